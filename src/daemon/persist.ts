/** Warm restart: what is saved, when, and how it is taken up again. */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reconciler } from '../act/reconciler.ts';
import { initial, type JudgeState } from '../judge/judge.ts';
import { fromSnapshot, toSnapshot } from '../judge/snapshot.ts';
import { codeOf } from '../model/errors.ts';
import type { Topology } from '../model/topology.ts';
import type { Logger } from '../sys/log.ts';
import type { CurrentPlan } from './current-plan.ts';
import type { Loop } from './loop.ts';
import { SaveThread } from './save-thread.ts';
import type { StateFile } from './state-file.ts';

/** How often the streaks are saved while nothing happens; changes are saved at once. */
const EVERY_MS = 5000;

/**
 * Reads the saved state; one that can't be used is set aside and logged.
 * @returns the judge's state to begin with at a time: the saved one, else a new one. Called again for as long as the start takes,
 * since that time must not count against the cells.
 */
export async function recover(
  file: StateFile,
  topology: Topology,
  reconciler: Pick<Reconciler, 'restore'>,
  clock: () => number,
  log: Logger,
): Promise<(now: number) => JudgeState> {
  const fresh = (now: number) => initial(topology, now);
  const loaded = await file.load();
  if (loaded.state === undefined) {
    const { reason, code } = loaded;
    if (reason !== '') log.warn({ ...(code === undefined ? {} : { code }), path: file.path }, reason);
    return fresh;
  }
  const { t, judge, applied } = loaded.state;
  const takeUp = (now: number) => {
    const state = fromSnapshot(topology, judge, now);
    agedBy(state, now - t);
    return state;
  };
  try {
    takeUp(clock());
  } catch (error) {
    log.warn({ code: codeOf(error), path: file.path }, await file.setAside((error as Error).message));
    return fresh;
  }
  const damaged = reconciler.restore(applied);
  if (damaged > 0)
    log.warn({ code: 'STATE_DAMAGED', path: file.path, damaged }, 'saved actions were damaged; they are decided anew');
  log.info({ age_ms: Math.round(clock() - t) }, 'state taken up from before the restart');
  return takeUp;
}

/** A snapshot holds ages, so that the time without an agent does not count against the cells. Verdicts are as old as they are. */
function agedBy({ nics, servers, racks, cells, agent }: JudgeState, ms: number): void {
  for (const since of [nics.at, servers.at, racks.at, cells.pathAt]) since.forEach((t, k) => (since[k] = t - ms));
  agent.at -= ms;
}

/** A change is saved this long after it: the action it caused goes first. */
const AFTER_CHANGE_MS = 100;
/** Making a snapshot, or a copy of the state, holds up the judge; it may take at most this share of the time. */
const SHARE = 0.05;
/** A snapshot that takes more processor time than this is made by a thread of its own from then on, ms. */
const QUICK_MS = 10;
/** How long the agent's end waits for a save under way in the thread. */
const THREAD_MS = 1000;
/** How long the agent's end waits for actions. */
const PATIENCE_MS = 1500;

export interface KeeperParts {
  readonly file: StateFile;
  readonly loop: Pick<Loop, 'state'>;
  readonly plans: Pick<CurrentPlan, 'bytes'>;
  readonly reconciler: Pick<Reconciler, 'toJSON' | 'idle'>;
  readonly clock: () => number;
  /** Default: 10 ms. */
  readonly quickMs?: number;
}

/** Saves the running state every few seconds, and soon after each change. */
export class Keeper {
  readonly #p: KeeperParts;
  readonly #thread: SaveThread;
  readonly #regular: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #notBefore = 0;
  /** A snapshot holds up the judge for too long. */
  #slow = false;

  constructor(parts: KeeperParts) {
    this.#p = parts;
    const { path, boot } = parts.file;
    this.#thread = new SaveThread({ directory: dirname(path), boot });
    this.#regular = setInterval(() => this.soon(), EVERY_MS);
  }

  /** Saves soon: at once would hold up what the change has started. */
  soon(): void {
    this.#soon ??= setTimeout(
      () => {
        this.#soon = undefined;
        void this.save();
      },
      Math.max(AFTER_CHANGE_MS, this.#notBefore - this.#p.clock()),
    );
  }

  /** Saves now. Never rejects. */
  save(): Promise<void> {
    return this.#p.file.saveBy(() => (this.#slow ? this.#saveElsewhere() : this.#saveHere()));
  }

  /** Ends with a last save, after the actions under way have ended: one whose end is unknown would be done again. */
  async stop(): Promise<void> {
    clearInterval(this.#regular);
    await Promise.race([this.#p.reconciler.idle(), sleep(PATIENCE_MS, undefined, { ref: false })]);
    clearTimeout(this.#soon);
    // The judge has ended and may be held up; the end must not wait for a thread that hangs.
    this.#slow = false;
    const cut = setTimeout(() => void this.#thread.stop(), THREAD_MS);
    await this.save();
    clearTimeout(cut);
    await this.#thread.stop();
  }

  #saveHere(): Promise<void> {
    const { file, loop, reconciler } = this.#p;
    const t = this.#p.clock();
    const before = process.threadCpuUsage();
    const judge = toSnapshot(loop.state);
    this.#held(t);
    // Processor time: on a busy machine most of the time that passes is somebody else's.
    const { user, system } = process.threadCpuUsage(before);
    this.#slow = (user + system) / 1000 > (this.#p.quickMs ?? QUICK_MS);
    return file.write({ t: loop.state.clock.now, judge, applied: reconciler.toJSON() });
  }

  async #saveElsewhere(): Promise<void> {
    const { loop, plans, reconciler, clock } = this.#p;
    const t = clock();
    const saved = this.#thread.save(loop.state, reconciler.toJSON(), plans.bytes);
    this.#held(t);
    try {
      await saved;
    } catch (error) {
      // Whatever the thread's trouble is, the next save finds out whether it is the disk's.
      this.#slow = false;
      throw error;
    }
  }

  /** The judge was held up since `t`. */
  #held(t: number): void {
    const end = this.#p.clock();
    this.#notBefore = end + (end - t) / SHARE;
  }
}
