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

/** Saves the running state now and then; `save()` at once. */
export class Keeper {
  readonly #file: StateFile;
  readonly #loop: Loop;
  readonly #reconciler: Reconciler;
  readonly #clock: () => number;
  readonly #timer: NodeJS.Timeout;

  constructor(file: StateFile, loop: Loop, reconciler: Reconciler, clock: () => number) {
    this.#file = file;
    this.#loop = loop;
    this.#reconciler = reconciler;
    this.#clock = clock;
    this.#timer = setInterval(() => void this.save(), EVERY_MS);
  }

  save(): Promise<void> {
    return this.#file.save(() => ({ t: this.#clock(), judge: toSnapshot(this.#loop.state), applied: this.#reconciler.toJSON() }));
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return this.save();
  }
}
