/**
 * All that a session announces. A daemon walks its table to list it, so it is asked only while the session announces more than is
 * planned, when that number has changed and else seldom, and not when the table is large.
 */
export interface LeakSettings {
  /** Pause between two looks at the same surplus: ms. */
  readonly leakEvery: number;
  /** Routes in the daemon's tables up to which it is asked. */
  readonly maxTable: number;
}

/** A session and what is known of it without asking for all. */
export interface Announcing {
  readonly key: string;
  /** Planned prefixes that it announces. */
  readonly planned: readonly string[];
  /** How many it announces. */
  readonly total: number;
  /** Routes in the daemon's tables. */
  readonly routes: number;
  /** Monotonic ms. */
  readonly now: number;
}

interface Known {
  readonly t: number;
  readonly surplus: number;
  readonly prefixes: readonly string[];
}

export class Leaks {
  readonly #settings: LeakSettings;
  #known = new Map<string, Known>();

  constructor(settings: LeakSettings) {
    this.#settings = settings;
  }

  /** Everything that it announces; undefined: not known. `ask` lists it. */
  async whole(
    { key, planned, total, routes, now }: Announcing,
    ask: () => Promise<readonly string[]>,
  ): Promise<readonly string[] | undefined> {
    const { leakEvery, maxTable } = this.#settings;
    const surplus = total - planned.length;
    if (surplus <= 0) {
      this.#known.delete(key);
      return planned;
    }
    let known = this.#known.get(key);
    const due = known === undefined || known.surplus !== surplus || now - known.t >= leakEvery;
    if (due && routes <= maxTable) this.#known.set(key, (known = { t: now, surplus, prefixes: await ask() }));
    return known?.surplus === surplus ? [...new Set([...planned, ...known.prefixes])] : undefined;
  }
}
