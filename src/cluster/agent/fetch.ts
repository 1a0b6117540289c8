/** A release from etcd onto the disk: what is there already is not read again. */
import { FourlaneError } from '../../model/errors.ts';
import { keyOf } from '../keys.ts';
import { missingBlobs, rootOf } from '../release/release.ts';
import type { Store } from '../store/store.ts';
import { readValue } from '../value-codec.ts';
import type { Release, Version } from '../values.ts';
import type { ReleaseStore } from './store.ts';

/** Blobs that are read at once: of a whole configuration each has a few kB. */
const AT_ONCE = 8;

/**
 * Resolves when all of the release is on the disk. Blobs are verified when they are opened. Rejects with CLUSTER_INVALID when the
 * release is not what the pointer names or lacks a blob; otherwise etcd does not answer, or the disk does not take it.
 * @param again reads what is there, too: something of it is damaged
 */
export async function fetchRelease(
  { release: n, root }: Version,
  { etcd, store }: { readonly etcd: Pick<Store, 'get' | 'blob'>; readonly store: ReleaseStore },
  again = false,
): Promise<Release> {
  const key = keyOf('release', n);
  const found = await etcd.get(key, true);
  if (found === undefined) throw missing(key, `release ${n} does not exist`);
  const release = readValue('release', key, found.value);
  if (release.root !== root || rootOf(release) !== root)
    throw missing(key, `found the root ${rootOf(release)}, the pointer names ${root}`);
  const there = again ? new Set<string>() : await store.blobs();
  const left = [...missingBlobs(release, (hash) => there.has(hash))];
  const read = async () => {
    for (let hash = left.pop(); hash !== undefined; hash = left.pop()) {
      const blobKey = keyOf('blob', hash);
      const blob = await etcd.blob(hash);
      if (blob === undefined) throw missing(blobKey, `release ${n} needs it, and it is not there`);
      await store.putBlob(hash, blob);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  await store.putRelease(release);
  return release;
}

function missing(key: string, message: string): FourlaneError {
  return new FourlaneError('CLUSTER_INVALID', `${key}: ${message}; release the configuration again`);
}
