/** Warm restart: what is saved, when, and how it is taken up again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reconciler } from '../act/reconciler.ts';
import { initial, type JudgeState } from '../judge/judge.ts';
import { fromSnapshot, toSnapshot } from '../judge/snapshot.ts';
import { codeOf } from '../model/errors.ts';
import type { Topology } from '../model/topology.ts';
import type { Logger } from '../sys/log.ts';
import type { Loop } from './loop.ts';
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
  reconciler: Reconciler,
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
/** Making a snapshot holds up the judge; it may take at most this share of the time. */
const SHARE = 0.05;
/** How long the agent's end waits for actions. */
const PATIENCE_MS = 1500;

/** Saves the running state every few seconds, and soon after each change. */
export class Keeper {
  readonly #file: StateFile;
  readonly #loop: Loop;
  readonly #reconciler: Reconciler;
  readonly #clock: () => number;
  readonly #regular: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #notBefore = 0;

  constructor(file: StateFile, loop: Loop, reconciler: Reconciler, clock: () => number) {
    this.#file = file;
    this.#loop = loop;
    this.#reconciler = reconciler;
    this.#clock = clock;
    this.#regular = setInterval(() => this.soon(), EVERY_MS);
  }

  /** Saves soon: at once would hold up what the change has started. */
  soon(): void {
    this.#soon ??= setTimeout(
      () => {
        this.#soon = undefined;
        void this.save();
      },
      Math.max(AFTER_CHANGE_MS, this.#notBefore - this.#clock()),
    );
  }

  /** Saves now. Never rejects. */
  save(): Promise<void> {
    return this.#file.save(() => {
      const t = this.#clock();
      const saved = { t, judge: toSnapshot(this.#loop.state), applied: this.#reconciler.toJSON() };
      const end = this.#clock();
      this.#notBefore = end + (end - t) / SHARE;
      return saved;
    });
  }

  /** Ends with a last save, after the actions under way have ended: one whose end is unknown would be done again. */
  async stop(): Promise<void> {
    clearInterval(this.#regular);
    await Promise.race([this.#reconciler.idle(), sleep(PATIENCE_MS, undefined, { ref: false })]);
    clearTimeout(this.#soon);
    await this.save();
  }
}
