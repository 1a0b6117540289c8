/** The files of another program's configuration: its root, and what it includes. Whatever is there, reading ends. */
import { closeSync, constants, fstatSync, globSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Files, Found } from '../keepalived/read/files.ts';
import { hasWildcards } from '../keepalived/read/files.ts';
import type { Followed } from './messages.ts';
import { pathVersionSync } from './path-version.ts';

const MOST_BYTES = 64 << 20;
const MOST_FILES = 2000;
const EXECUTABLE = 0o111;

/** What was read, for who follows it. */
export class ImportFiles {
  #bytes = 0;
  readonly #followed = new Map<string, string>();

  /** All that was looked at: files, also missing ones, and the directories in which patterns look. */
  get followed(): Followed {
    return this.#followed;
  }

  /** The root. @throws Error with a reason for people */
  root(path: string): string {
    const found = this.#read(path);
    if (found?.text !== undefined) return found.text;
    throw new Error(found === undefined ? 'there is no such file' : REFUSED[found.refused!]);
  }

  /** What an include finds. Never throws. */
  readonly included: Files = (pattern, from) => {
    const path = isAbsolute(pattern) ? pattern : join(dirname(from), pattern);
    if (!hasWildcards(path)) return [this.#read(path) ?? []].flat();
    for (const directory of lookedIn(path)) this.#follow(directory);
    return globSync(path)
      .sort()
      .slice(0, MOST_FILES)
      .flatMap((each) => this.#read(each) ?? []);
  };

  /** Before it is read: what changes meanwhile has changed since. */
  #follow(path: string): void {
    if (!this.#followed.has(path)) this.#followed.set(path, pathVersionSync(path));
  }

  /** A FIFO or a device can't hold us; undefined when there is none. */
  #read(path: string): Found | undefined {
    this.#follow(path);
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : { path, refused: 'unreadable' };
    }
    try {
      const stats = fstatSync(fd);
      const refused = this.#refusal(stats);
      if (refused !== undefined) return { path, refused };
      this.#bytes += stats.size;
      return { path, text: readFileSync(fd, 'utf8') };
    } finally {
      closeSync(fd);
    }
  }

  #refusal(stats: Stats): Found['refused'] {
    if (stats.isDirectory()) return 'directory';
    if (!stats.isFile()) return 'unreadable';
    // keepalived does not read such a file either.
    if ((stats.mode & EXECUTABLE) !== 0) return 'executable';
    return this.#bytes + stats.size > MOST_BYTES ? 'too large' : undefined;
  }
}

const REFUSED: Readonly<Record<NonNullable<Found['refused']>, string>> = {
  directory: 'it is a directory; name the file',
  executable: 'it is executable, and keepalived does not read such files; chmod -x it',
  unreadable: 'it is no regular file that may be read; give the user fourlane runs as the right to read it',
  'too large': `it has more than ${MOST_BYTES} bytes with what it includes`,
};

/** Directories in which a pattern looks, each where it is: what it finds next begins as a new entry in one of them. */
function lookedIn(pattern: string): string[] {
  const parts = pattern.split('/');
  const first = parts.findIndex(hasWildcards);
  return parts.slice(first).flatMap((_, k) => {
    const above = parts.slice(0, first + k).join('/') || '/';
    return hasWildcards(above) ? globSync(above).filter(isDirectory).sort().slice(0, MOST_FILES) : above;
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
