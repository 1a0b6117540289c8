/** Warm restart: what is saved, when, and how it is taken up again. */
import type { Reconciler } from '../act/reconciler.ts';
import { initial, type JudgeState } from '../judge/judge.ts';
import { fromSnapshot, toSnapshot } from '../judge/snapshot.ts';
import type { Topology } from '../model/topology.ts';
import type { Logger } from '../sys/log.ts';
import type { Loop } from './loop.ts';
import type { StateFile } from './state-file.ts';

/** How often the streaks are saved while nothing happens; changes are saved at once. */
const EVERY_MS = 5000;

/** The judge's state to begin with: the saved one, else a new one. A saved state that can't be used is set aside and told. */
export async function recover(
  file: StateFile,
  topology: Topology,
  reconciler: Reconciler,
  now: number,
  log: Logger,
): Promise<JudgeState> {
  const loaded = await file.load();
  if (loaded.state === undefined) {
    if (loaded.reason !== '') log.warn({ path: file.path }, loaded.reason);
    return initial(topology, now);
  }
  let state: JudgeState;
  try {
    state = fromSnapshot(topology, loaded.state.judge, now);
  } catch (error) {
    log.warn({ path: file.path }, await file.setAside((error as Error).message));
    return initial(topology, now);
  }
  const damaged = reconciler.restore(loaded.state.applied);
  if (damaged > 0) log.warn({ path: file.path, damaged }, 'saved actions were damaged; they are decided anew');
  log.info({ age_ms: Math.round(now - loaded.state.t) }, 'state taken up from before the restart');
  return state;
}

/** A change is saved this long after it: the action it caused goes first. */
const AFTER_CHANGE_MS = 100;
/** Making a snapshot holds up the judge; it may take at most this share of the time. */
const SHARE = 0.05;

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

  stop(): Promise<void> {
    clearInterval(this.#regular);
    clearTimeout(this.#soon);
    return this.save();
  }
}
