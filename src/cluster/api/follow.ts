/** All that stands in etcd of one cluster, followed: a mirror over all but blobs, of which what changes is read into values. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Mirror, type MirrorState } from '../mirror/mirror.ts';
import type { Batch } from '../mirror/changes.ts';
import { look, type MissingSince } from '../roster/presence.ts';
import type { CronCalendar } from '../roster/maintenance.ts';
import type { Dial } from '../transport/link.ts';
import { type ClusterState, plain, StateReader } from '../view/state.ts';
import type { Looking } from '../view/status.ts';
import { rangesOf } from '../store/etcd-store.ts';

export interface FollowOptions {
  readonly endpoints: readonly string[];
  readonly dial: Dial;
  readonly prefix: string;
  readonly calendar: CronCalendar;
  /** Monotonic ms; ms since 1970. */
  readonly clock: () => number;
  readonly wall: () => number;
}

/** The cluster at one moment. */
export interface View {
  readonly state: ClusterState;
  readonly looking: Looking;
  /** All changes up to it are in, but for those of `applied/`, which may come later. */
  readonly revision: number;
}

/** Presence changes with time alone. */
const TICK_MS = 500;
/** Many servers answer at once: together they are read once. */
const TOGETHER_MS = 20;
/** The range, of `rangesOf`, that holds whatever an operator writes. */
const POINTERS = 1;

export class Follow {
  readonly #o: FollowOptions;
  readonly #mirror: Mirror;
  readonly #running: Promise<void>;
  readonly #reader = new StateReader();
  readonly #revisions = [0, 0];
  readonly #complete = [false, false];
  #read: ClusterState | undefined;
  #since: MissingSince = new Map();
  #link: MirrorState | undefined;
  #wake: (() => void) | undefined;
  #news = false;

  constructor(options: FollowOptions) {
    this.#o = options;
    const { endpoints, dial, prefix, clock } = options;
    this.#mirror = new Mirror(
      { endpoints, dial, ranges: rangesOf(prefix), clock, random: Math.random },
      { batch: (range, batch) => this.#take(range, batch), state: (state) => this.#changed(state) },
    );
    this.#running = this.#mirror.run();
  }

  /** Why nothing comes; '' = it does. */
  get error(): string {
    return this.#link?.error ?? '';
  }

  /** The cluster now; undefined = it has not been read as a whole yet. */
  view(): View | undefined {
    if (!this.#complete.every(Boolean)) return undefined;
    const state = (this.#read ??= this.#reader.snapshot());
    const { clock, wall, calendar } = this.#o;
    this.#since = look(state.roster.keys(), plain(state.member), this.#since, clock());
    this.#news = false;
    return {
      state,
      revision: this.#revisions[POINTERS]!,
      looking: { now: wall(), clock: clock(), since: this.#since, calendar },
    };
  }

  /** Resolves when something has changed since `view` was asked for, or after a moment. */
  async next(): Promise<void> {
    if (!this.#news) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, TICK_MS);
      await promise;
      clearTimeout(timer);
    }
    if (this.#news) await sleep(TOGETHER_MS);
  }

  async stop(): Promise<void> {
    this.#mirror.stop();
    this.#wake?.();
    await this.#running;
  }

  #changed(state: MirrorState): void {
    this.#link = state;
    this.#wake?.();
  }

  #take(range: number, { changes, revision, last }: Batch): undefined {
    for (const { key, value, created: create, modified: mod } of changes) {
      const own = key.slice(this.#o.prefix.length);
      if (value === undefined) this.#reader.remove(own);
      else this.#reader.put({ key: own, value, create, mod });
    }
    this.#complete[range] = last;
    this.#revisions[range] = revision;
    this.#read = undefined;
    this.#news = true;
    this.#wake?.();
    return undefined;
  }
}
