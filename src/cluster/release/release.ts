/**
 * Releases: a configuration as content-addressed shards and a root. Changing one service changes one shard, an atomic switch of
 * any size moves one pointer, and the root is the identity of the configuration: it needs no clock and survives a restored etcd.
 */
import { createHash } from 'node:crypto';
import { FourlaneError } from '../../model/errors.ts';
import { canonical } from '../../model/canonical.ts';
import { type Release, SHARDS } from '../values.ts';
import { type Blob, hashOf, packBlob, unpackBlob } from './blob.ts';
import { type Content, type Json, sorted } from './content.ts';

/** Hashes that make up a configuration. */
export type Parts = Pick<Release, 'base' | 'shards'>;

/** The shard of a service: 0 … 63. */
export function shardOf(key: string): number {
  return createHash('sha256').update(key).digest()[0]! % SHARDS;
}

/** The root of these parts. */
export function rootOf({ base, shards }: Parts): string {
  return hashOf(canonical({ v: 1, base, shards }));
}

/** A configuration as blobs; `packed` by hash holds each once. */
export interface Packed extends Parts {
  readonly root: string;
  readonly blobs: ReadonlyMap<string, Blob>;
}

/** Packs a configuration. The same content has the same root, whoever packs it and in whatever order it is written. */
export function packContent({ services, base }: Content): Packed {
  const shards: [string, Json][][] = Array.from({ length: SHARDS }, () => []);
  for (const entry of sorted(services)) shards[shardOf(entry[0])]!.push(entry);
  const packedBase = packBlob(base);
  const packed = shards.map((entries) => packBlob(entries));
  const parts = { base: packedBase.hash, shards: packed.map(({ hash }) => hash) };
  return { ...parts, root: rootOf(parts), blobs: new Map([packedBase, ...packed].map((blob) => [blob.hash, blob])) };
}

/** The blobs that are needed beside those that are there already, each once. */
export function missingBlobs({ base, shards }: Parts, there: (hash: string) => boolean): readonly string[] {
  return [...new Set([base, ...shards])].filter((hash) => !there(hash));
}

/** Values of blobs by hash: what is the same in two releases is unpacked once. */
export type Unpacked = Map<string, unknown>;

/**
 * The content of a release from its blobs. Throws CLUSTER_INVALID when a blob is missing or damaged, when the root is not that of
 * the parts, or when a service lies in a shard that is not its own.
 * @param known blobs that were unpacked before; what is new is added
 */
export function unpackContent(
  release: Pick<Release, 'n' | 'root'> & Parts,
  blob: (hash: string) => Uint8Array | undefined,
  known: Unpacked = new Map(),
): Content {
  const fail = (message: string, remedy = 'release the configuration again'): never => {
    throw new FourlaneError('CLUSTER_INVALID', `release ${release.n}: ${message}; ${remedy}`);
  };
  if (rootOf(release) !== release.root) fail(`its parts have the root ${rootOf(release)}, not ${release.root}`);
  const valueOf = (hash: string): unknown => {
    if (known.has(hash)) return known.get(hash);
    const packed = blob(hash) ?? fail(`the blob ${hash} is missing`);
    const value = unpackBlob(hash, packed);
    known.set(hash, value);
    return value;
  };
  const services = new Map<string, Json>();
  release.shards.forEach((hash, shard) => {
    const entries = valueOf(hash);
    if (!isShard(entries)) return fail(`shard ${shard} is no list of services`);
    for (const [key, service] of entries) {
      if (shardOf(key) !== shard) fail(`the service "${key}" is in shard ${shard}; it belongs into ${shardOf(key)}`);
      services.set(key, service);
    }
  });
  const base = valueOf(release.base);
  return isObject(base) ? { services, base } : fail('its base is no object');
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

function isShard(value: unknown): value is readonly (readonly [string, Json])[] {
  return (
    Array.isArray(value) &&
    value.every((entry) => Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string' && isObject(entry[1]))
  );
}
