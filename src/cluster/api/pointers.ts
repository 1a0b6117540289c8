/** Moves pointers, and tells whoever was too late who was first and with what. */
import { FourlaneError } from '../../model/errors.ts';
import { keyOf } from '../keys.ts';
import type { Content } from '../release/content.ts';
import { diffContent, diffText } from '../release/diff.ts';
import { isLive } from '../rollout/rollout.ts';
import { type Compare, put, type TxnPlan } from '../txn-plan.ts';
import type { Release, Target } from '../values.ts';
import type { ClusterState } from '../view/state.ts';
import { stateOf } from '../view/reading.ts';
import { Contents, releaseAt } from './contents.ts';
import type { Store } from '../store/store.ts';

/**
 * All of these rings get the release, in one transaction. It fails when a pointer was moved, a rollout begun or halted, or the
 * release cleared away since the state was read.
 */
export function moveTo(release: Pick<Release, 'n' | 'root'>, rings: readonly string[], state: ClusterState): TxnPlan {
  const value: Target = { release: release.n, root: release.root };
  const next = Math.max(0, ...[...state.rollout.values()].map((each) => each.value.n)) + 1;
  const compare: Compare[] = [
    { key: keyOf('release', release.n), mod: state.release.get(String(release.n))?.mod ?? 0 },
    { key: keyOf('rollout', next), create: 0 },
    ...rings.map((ring) => ({ key: keyOf('target', ring), mod: state.target.get(ring)?.mod ?? 0 })),
  ];
  return { compare, writes: rings.map((ring) => put('target', [ring], value)) };
}

/** The rollout that goes on by itself, if there is one. */
export function liveRollout({ rollout }: Pick<ClusterState, 'rollout'>) {
  return [...rollout.values()].find(({ value }) => isLive(value));
}

/** Throws CLUSTER_CONFLICT while a rollout is under way: it would not know its own pointers any more. */
export function refuseBesideRollout(state: ClusterState): void {
  const live = liveRollout(state)?.value;
  if (live === undefined) return;
  const { n, startedBy, to, state: is, why } = live;
  throw new FourlaneError(
    'CLUSTER_CONFLICT',
    `rollout ${n} of ${startedBy} to release ${to.release} is ${is}${why === '' ? '' : ` (${why})`}; ` +
      'wait for it (fourlane cluster rollout --lead), or take it back (fourlane cluster rollback)',
  );
}

/**
 * CLUSTER_CONFLICT for a transaction that was not carried out: who was first, with which release, and what that has otherwise.
 * @param before as it was when the transaction was made
 * @param own what was to be released
 */
export async function conflict(store: Store, before: ClusterState, own: Content): Promise<FourlaneError> {
  const now = await stateOf(store);
  const texts: string[] = [];
  for (const [ring, { value, mod }] of now.target) {
    if (before.target.get(ring)?.mod === mod) continue;
    texts.push(`ring ${ring} was given ${await winnerText(store, now, value, own)}`);
  }
  for (const [n, { value }] of now.rollout) {
    if (before.rollout.has(n)) continue;
    texts.push(`${value.startedBy} began rollout ${n} to ${await winnerText(store, now, value.to, own)}`);
  }
  const who = texts.length === 0 ? 'somebody else changed the cluster' : [...new Set(texts)].join('; ');
  return new FourlaneError('CLUSTER_CONFLICT', `no server was given anything: meanwhile ${who}; look at it, and try again`);
}

async function winnerText(store: Store, state: ClusterState, version: Target, own: Content): Promise<string> {
  try {
    const release = releaseAt(state, version);
    const diff = diffText(diffContent(await new Contents(store).of(release), own));
    const { n, author, at, reason } = release;
    const yours = diff === 'nothing changes' ? 'the same as yours' : `yours differs from it: ${diff}`;
    return `release ${n} of ${author}, made at ${at} (${reason || 'no reason given'}); ${yours}`;
  } catch (error) {
    return `release ${version.release} (${(error as Error).message})`;
  }
}
