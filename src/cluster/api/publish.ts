/** Makes a release in etcd: blobs first, then the root, which names blobs that are there at that very moment. */
import type { KeyObject } from 'node:crypto';
import { FourlaneError } from '../../model/errors.ts';
import { keyOf } from '../keys.ts';
import type { Content } from '../release/content.ts';
import { missingBlobs, packContent, type Packed } from '../release/release.ts';
import { signRelease } from '../release/signature.ts';
import { put } from '../txn-plan.ts';
import type { Release } from '../values.ts';
import { stateOf } from '../view/reading.ts';
import type { Store } from '../store/store.ts';

export interface ReleaseWish extends Pick<Release, 'author' | 'at' | 'reason' | 'parent'> {
  readonly cluster: string;
  /** Share that it may remove beyond the usual limit; left out = the limit holds. */
  readonly removed?: number | undefined;
  /** Ed25519. */
  readonly signKey?: KeyObject | undefined;
  /** What a key has signed before: the same root with the same allowance, see `signatureFrom`. */
  readonly signature?: string | undefined;
}

const MOST_TRIES = 20;

/** The release that is made of this content, under the number after the last one. Writes nothing. */
export function releaseFor(packed: Packed, n: number, wish: ReleaseWish): Release {
  const { cluster, removed, signKey, author, at, reason, parent } = wish;
  const { root, base, shards } = packed;
  const allow = removed === undefined ? {} : { allow: { removed } };
  const signature = signKey === undefined ? wish.signature : signRelease(cluster, { root, ...allow }, signKey);
  const signed = signature === undefined ? {} : { signature };
  return { n, root, base, shards: [...shards], author, at, reason, parent, ...allow, ...signed };
}

/** The signature of an earlier release that is one of this, too: what is signed is the root and what it may remove. */
export function signatureFrom(earlier: Iterable<Release>, { root, allow }: Pick<Release, 'root' | 'allow'>): string | undefined {
  const same = [...earlier].filter((each) => each.root === root && each.allow?.removed === allow?.removed);
  return same.toSorted((a, b) => b.n - a.n).find(({ signature }) => signature !== undefined)?.signature;
}

/** Number of the next release. */
export function nextNumber(releases: Iterable<string>): number {
  return Math.max(0, ...[...releases].map(Number).filter(Number.isSafeInteger)) + 1;
}

/**
 * Writes a release. Of two at once both are made, with numbers of their own. Rejects with CLUSTER_CONFLICT when others are first
 * again and again.
 */
export async function publish(store: Store, content: Content, wish: ReleaseWish): Promise<Release> {
  const packed = packContent(content);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    let there = await store.blobs();
    const missing = missingBlobs(packed, (hash) => there.has(hash));
    if (missing.length > 0) {
      await store.putBlobs(missing.map((hash) => packed.blobs.get(hash)!));
      there = await store.blobs();
    }
    const n = nextNumber((await stateOf(store)).release.keys());
    const release = releaseFor(packed, n, wish);
    // Whoever clears blobs away at this moment makes this fail: a release never lacks one.
    const hashes = [...packed.blobs.keys()];
    if (!hashes.every((hash) => there.has(hash))) continue;
    const compare = hashes.map((hash) => ({ key: keyOf('blob', hash), mod: there.get(hash)! }));
    const { done } = await store.commit({
      compare: [{ key: keyOf('release', n), create: 0 }, ...compare],
      writes: [put('release', [n], release)],
    });
    if (done) return release;
  }
  throw new FourlaneError('CLUSTER_CONFLICT', `${MOST_TRIES} times somebody else made a release first; try again`);
}
