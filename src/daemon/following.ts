/**
 * Follows the files of an import: when they have changed, and then been at rest for a second, the configuration is loaded again.
 * By looking and not by inotify: what is mounted over or replaced in one step is seen all the same.
 */
import { stat } from 'node:fs/promises';

/** What is known of the files between two looks. Texts of sizes, times and inodes by path. */
export interface Watched {
  readonly seen: ReadonlyMap<string, string>;
  /** When the last change was seen, ms; undefined = nothing has changed since the last load. */
  readonly changedAt?: number;
}

/** One look: what is known after it, and whether it is time to load. A path that was not followed before is no change. */
export function look(known: Watched, seen: ReadonlyMap<string, string>, now: number, settleMs = SETTLE_MS): [Watched, boolean] {
  const isOther = [...seen].some(([path, text]) => known.seen.has(path) && known.seen.get(path) !== text);
  const changedAt = isOther ? now : known.changedAt;
  if (changedAt === undefined || now - changedAt < settleMs)
    return [changedAt === undefined ? { seen } : { seen, changedAt }, false];
  return [{ seen }, true];
}

const SETTLE_MS = 1000;
const LOOK_MS = 250;
/** Where there are many files, each costs this much time between two looks. */
const MS_PER_FILE = 1;

export interface FollowingOptions {
  /** Of the plan that is followed; none = nothing is imported. */
  readonly paths: () => readonly string[];
  readonly changed: () => void;
  readonly clock: () => number;
}

export class Following {
  readonly #o: FollowingOptions;
  #known: Watched = { seen: new Map() };
  #looking = false;
  #notBefore = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: FollowingOptions) {
    this.#o = options;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const paths = this.#o.paths();
    const now = this.#o.clock();
    if (this.#looking || now < this.#notBefore || (paths.length === 0 && this.#known.seen.size === 0)) return;
    this.#looking = true;
    this.#notBefore = now + paths.length * MS_PER_FILE;
    const texts = await Promise.all(paths.map(async (path) => [path, await textOf(path)] as const));
    this.#looking = false;
    const [known, isDue] = look(this.#known, new Map(texts), this.#o.clock());
    this.#known = known;
    if (isDue) this.#o.changed();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}

async function textOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'gone';
  }
}
