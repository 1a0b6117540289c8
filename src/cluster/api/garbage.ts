/** Clears away what no release needs any more. Never what a pointer, a server or a rollout names, and never the last releases. */
import { keyOf } from '../keys.ts';
import type { TxnPlan } from '../txn-plan.ts';
import type { ClusterState } from '../view/state.ts';
import { stateOf } from '../view/reading.ts';
import { nextNumber } from './publish.ts';
import type { Store } from '../store/store.ts';

const KEPT_RELEASES = 20;
/** Of one transaction. */
const MOST_DELETES = 60;

export interface Cleared {
  readonly releases: number;
  readonly blobs: number;
}

/** Numbers of the releases that may go. */
export function oldReleases(state: ClusterState): readonly string[] {
  const roots = new Set<string | null>();
  for (const { value } of state.target.values()) roots.add(value.root).add(value.prepare?.root ?? null);
  for (const { value } of state.applied.values())
    for (const root of [value.root, value.running, value.prepared, value.lastGood]) roots.add(root);
  for (const { value } of state.rollout.values())
    if (!['done', 'rolledBack', 'backFailed'].includes(value.state))
      for (const { root } of [value.to, ...Object.values(value.from)]) roots.add(root);
  const newestFirst = [...state.release].toSorted(([, a], [, b]) => b.value.n - a.value.n);
  return newestFirst
    .slice(KEPT_RELEASES)
    .filter(([, { value }]) => !roots.has(value.root))
    .map(([n]) => n);
}

/** Each transaction fails when a pointer was moved or a release made since: then the rest waits for the next time. */
export async function clearAway(store: Store): Promise<Cleared> {
  const state = await stateOf(store);
  // A release that can't be read may need any blob.
  const damaged = state.problems.some((problem) => problem.startsWith(keyOf('release')));
  if (damaged) return { releases: 0, blobs: 0 };
  const pointers = [...state.target].map(([ring, { mod }]) => ({ key: keyOf('target', ring), mod }));
  const newest = { key: keyOf('release', nextNumber(state.release.keys())), create: 0 };
  const clear = async (keys: readonly string[]): Promise<boolean> => {
    const txn: TxnPlan = { compare: [newest, ...pointers], writes: keys.map((key) => ({ op: 'delete', key })) };
    return (await store.commit(txn)).done;
  };
  const old = oldReleases(state).slice(0, MOST_DELETES);
  if (old.length > 0 && !(await clear(old.map((n) => keyOf('release', n))))) return { releases: 0, blobs: 0 };
  const gone = new Set(old);
  const kept = [...state.release].filter(([n]) => !gone.has(n));
  const needed = new Set(kept.flatMap(([, { value }]) => [value.base, ...value.shards]));
  const left = [...(await store.blobs()).keys()].filter((hash) => !needed.has(hash));
  let blobs = 0;
  while (left.length > 0) {
    const some = left.splice(0, MOST_DELETES);
    if (!(await clear(some.map((hash) => keyOf('blob', hash))))) break;
    blobs += some.length;
  }
  return { releases: old.length, blobs };
}
