/** What a process that begins knows of releases from its disk, before it has talked to anybody. */
import { type LifeEffect, type LifeState, type Self, start } from '../applied/state.ts';
import type { Version } from '../values.ts';
import { releaseDirectory } from './files.ts';
import { ReleaseStore } from './store.ts';

export interface BootParts {
  readonly stateDir: string;
  readonly cluster: string;
  readonly self: Self;
  /** Monotonic ms. */
  readonly now: number;
}

export interface Booted {
  readonly store: ReleaseStore;
  readonly state: LifeState;
  /** What is still to be done: the record is on the disk already. */
  readonly effects: readonly LifeEffect[];
  /** What may run at the start: the last good release, then the one before; empty on the first start. */
  readonly candidates: readonly Version[];
  /** What is wrong with the record of before; '' = nothing. */
  readonly problem: string;
}

/** Counts this start on the disk before anything of a release is touched. Rejects with FileError when that is not possible. */
export async function boot({ stateDir, cluster, self, now }: BootParts): Promise<Booted> {
  const store = new ReleaseStore(releaseDirectory(stateDir), cluster);
  const { record: found, problem } = await store.load();
  const [state, effects] = start(found, self, now);
  await store.save(state.record);
  const { good, before } = state.record;
  const candidates = [good, before].flatMap((each) => (each === null ? [] : [each]));
  return { store, state, effects: effects.filter((each) => each.do !== 'save'), candidates, problem };
}

/** The state of a process that runs `version`, and not what it should have begun with; undefined = nothing of a release. */
export function runs(state: LifeState, version: Version | undefined): LifeState {
  const { running: _, ...rest } = state;
  return version === undefined ? rest : { ...rest, running: version };
}
