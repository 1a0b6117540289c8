/** Blobs: JSON named by the hash of its canonical text, compressed for the way. */
import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { canonical } from '../../model/canonical.ts';
import { keyOf } from '../keys.ts';
import { depthOf, invalid } from '../value-codec.ts';

/** A blob may have this many bytes when it is unpacked: 64 of them hold more than any configuration may. */
const MOST_UNPACKED = 16 << 20;
const MOST_DEPTH = 32;

/**
 * SHA-256 in hex. Blobs are named by their text and not by their packed bytes, which differ between versions of zstd: a name must
 * not change because somebody else packed the same.
 */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export interface Blob {
  readonly hash: string;
  readonly packed: Buffer;
}

/** Packs a value. */
export function packBlob(value: unknown): Blob {
  const text = canonical(value);
  return { hash: hashOf(text), packed: zstdCompressSync(text) };
}

/**
 * The value of a blob. Throws CLUSTER_INVALID when it cannot be unpacked, is too large or too deep, or is not what its name says.
 */
export function unpackBlob(hash: string, packed: Uint8Array): unknown {
  const key = keyOf('blob', hash);
  const remedy = 'delete the key and release the configuration again';
  let text: string;
  try {
    text = zstdDecompressSync(packed, { maxOutputLength: MOST_UNPACKED }).toString('utf8');
  } catch (error) {
    throw invalid(key, `it cannot be unpacked (${(error as Error).message})`, remedy);
  }
  if (hashOf(text) !== hash) throw invalid(key, `its content has the hash ${hashOf(text)}`, remedy);
  if (depthOf(text) > MOST_DEPTH) throw invalid(key, `its lists and objects lie more than ${MOST_DEPTH} deep`, remedy);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(key, 'its content is no JSON', remedy);
  }
}
