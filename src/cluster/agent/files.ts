/** Where releases are on the disk of a server: below `stateDir`. */
import { join } from 'node:path';
import { keyOf } from '../keys.ts';

/** The directory of releases in a state directory. */
export function releaseDirectory(stateDir: string): string {
  return join(stateDir, 'cluster');
}

export const RECORD = 'record.json';
export const RELEASES = 'releases';
export const BLOBS = 'blobs';

/** A release as etcd has it, by its root: only author, number and reason may differ between two with the same one. */
export function releasePath(directory: string, root: string): string {
  return join(directory, RELEASES, `${root}.json`);
}

/** A blob as etcd has it. */
export function blobPath(directory: string, hash: string): string {
  return join(directory, BLOBS, hash);
}

/** What a release is called in messages about its value. */
export function releaseKey(n: number): string {
  return keyOf('release', n);
}
