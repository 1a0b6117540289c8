/**
 * Follows the files of an import: when they have changed since they were read, and then been at rest for a second, the
 * configuration is loaded again. By looking and not by inotify: what is mounted over or replaced in one step is seen all the
 * same.
 */
import type { Followed } from '../config/messages.ts';
import { pathVersion } from '../config/path-version.ts';

/** What is known of the files between two looks. */
export interface Watched {
  readonly seen: Followed;
  /** When the last change was seen, ms; undefined = nothing has changed since the last load. */
  readonly changedAt?: number;
}

/** One look at the paths of `known`: what is known after it, and whether it is time to load. */
export function look(known: Watched, seen: Followed, now: number, settleMs = SETTLE_MS): [Watched, boolean] {
  const isOther = [...seen].some(([path, version]) => known.seen.get(path) !== version);
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
  /** What the plan that the process begins with was read from. */
  readonly first: Followed;
  readonly changed: () => void;
  readonly clock: () => number;
}

export class Following {
  readonly #o: FollowingOptions;
  #known: Watched;
  #looking = false;
  #notBefore = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: FollowingOptions) {
    this.#o = options;
    this.#known = { seen: options.first };
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /**
   * The configuration was read again, whatever came of it: its files are those to follow. What has changed since each was read is
   * a change, whenever the next look is.
   */
  read(files: Followed): void {
    this.#known = { seen: files };
  }

  async #look(): Promise<void> {
    const known = this.#known;
    const now = this.#o.clock();
    if (this.#looking || now < this.#notBefore || known.seen.size === 0) return;
    this.#looking = true;
    this.#notBefore = now + known.seen.size * MS_PER_FILE;
    const versions = await Promise.all([...known.seen.keys()].map(async (path) => [path, await pathVersion(path)] as const));
    this.#looking = false;
    // Read again meanwhile: what was seen may be older than what was read.
    if (this.#known !== known) return;
    const [next, isDue] = look(known, new Map(versions), this.#o.clock());
    this.#known = next;
    if (isDue) this.#o.changed();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}
