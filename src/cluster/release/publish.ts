/** How a release gets into etcd, and what may leave it again. Blobs go first, then the release, then the pointer. */
import { keyOf } from '../keys.ts';
import { type Held, put, type TxnPlan } from '../txn-plan.ts';
import type { Release, Target } from '../values.ts';
import type { Packed } from './release.ts';

/** What a person says of a release. */
export type Saying = Pick<Release, 'author' | 'at' | 'reason' | 'allow' | 'signature'>;

/** The next release, of a packed configuration. @param releases that there are; `parent`: what it was made from */
export function nextRelease(
  { root, base, shards }: Packed,
  saying: Saying,
  releases: Iterable<Pick<Release, 'n'>>,
  parent: string | null,
): Release {
  const n = Math.max(0, ...[...releases].map((each) => each.n)) + 1;
  return { ...saying, n, root, parent, base, shards: [...shards] };
}

/** Creates the release; fails when somebody else has taken its number. */
export function createRelease(release: Release): TxnPlan {
  return { compare: [{ key: keyOf('release', release.n), mod: 0 }], writes: [put('release', [release.n], release)] };
}

/** Moves a pointer outside of a rollout: the first one of a ring. Fails when somebody else has moved it. */
export function moveTarget(ring: string, next: Target, held: Held<Target> | undefined): TxnPlan {
  return { compare: [{ key: keyOf('target', ring), mod: held?.mod ?? 0 }], writes: [put('target', [ring], next)] };
}

/** Releases whose blobs are kept although nothing runs them: for the way back. */
const KEPT = 20;

/**
 * The hashes of blobs that may be deleted: of no release that is among the last, or is named by a pointer or by what a server has
 * written back. Only the API deletes; a blob that is written while this is asked belongs to a release that is not there yet, so
 * `young` ones are kept.
 * @param named roots that pointers and servers name
 */
export function garbage(
  blobs: Iterable<string>,
  releases: Iterable<Pick<Release, 'n' | 'root' | 'base' | 'shards'>>,
  named: ReadonlySet<string>,
  young: ReadonlySet<string>,
): readonly string[] {
  const byNumber = [...releases].toSorted((a, b) => b.n - a.n);
  const kept = byNumber.filter(({ root }, index) => index < KEPT || named.has(root));
  const used = new Set(kept.flatMap(({ base, shards }) => [base, ...shards]));
  return [...blobs].filter((hash) => !used.has(hash) && !young.has(hash)).toSorted();
}
