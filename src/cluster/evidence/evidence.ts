/**
 * What one server says of the real servers: which of them it finds bad through every NIC that can tell, after `fall`. Never
 * single probes, never latencies, and nothing at all of a server that doubts itself.
 *
 * | bytes | |
 * |---|---|
 * | 1 | schema, 1 |
 * | 1 | flags: 1 frozen, 2 blind, 4 a bitmap follows |
 * | 8 | the first bytes of the root whose list the indices are of |
 * | varint | epoch: how often the agent has started |
 * | varint | length of the list |
 * | varint | how many are bad |
 * | rest | differences of the sorted indices as varints, the first + 0, the others - 1; or the bitmap (zstd), low bits first |
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { invalid } from '../value-codec.ts';
import { Reader, Writer } from './varint.ts';

export interface Evidence {
  /** First 16 hex digits of the root. */
  readonly root: string;
  readonly epoch: number;
  readonly frozen: boolean;
  readonly blind: boolean;
  /** Length of the root's sorted list of real servers. */
  readonly length: number;
  /** Indices into that list, ascending. */
  readonly bad: readonly number[];
}

const SCHEMA = 1;
const FLAG = { frozen: 1, blind: 2, bitmap: 4 } as const;
const ROOT_BYTES = 8;
/** Above this many a bitmap is smaller. */
const MOST_LISTED = 512;
const MOST_LENGTH = 1_000_000;
const MOST_EPOCH = 2 ** 48;

/** How a root is named in evidence. */
export function rootPrefix(root: string): string {
  return root.slice(0, ROOT_BYTES * 2);
}

/** The bytes of evidence. A server that is frozen or blind withdraws its list. */
export function encodeEvidence(evidence: Evidence): Buffer {
  const { root, epoch, frozen, blind, length } = evidence;
  const bad = frozen || blind ? [] : evidence.bad;
  const asBitmap = bad.length > MOST_LISTED;
  const flags = (frozen ? FLAG.frozen : 0) | (blind ? FLAG.blind : 0) | (asBitmap ? FLAG.bitmap : 0);
  const head = new Writer().byte(SCHEMA).byte(flags).bytes(Buffer.from(root, 'hex'));
  head.number(epoch).number(length).number(bad.length);
  if (!asBitmap) {
    bad.forEach((index, position) => head.number(position === 0 ? index : index - bad[position - 1]! - 1));
    return head.done();
  }
  const bits = Buffer.alloc(Math.ceil(length / 8));
  for (const index of bad) bits[index >> 3]! |= 1 << (index & 7);
  return Buffer.concat([head.done(), zstdCompressSync(bits)]);
}

/** The evidence in these bytes. Throws CLUSTER_INVALID naming the key and what is wrong. */
export function decodeEvidence(key: string, bytes: Uint8Array): Evidence {
  try {
    return decode(new Reader(bytes));
  } catch (error) {
    throw invalid(key, `no evidence: ${(error as Error).message}`, 'the server that writes it has another version, or is ill');
  }
}

function decode(reader: Reader): Evidence {
  const schema = reader.byte();
  if (schema !== SCHEMA) throw new RangeError(`found schema ${schema}; allowed: ${SCHEMA}`);
  const flags = reader.byte();
  const root = Buffer.from(reader.take(ROOT_BYTES)).toString('hex');
  const epoch = reader.number(MOST_EPOCH);
  const length = reader.number(MOST_LENGTH);
  const count = reader.number(length);
  const bad = (flags & FLAG.bitmap) === 0 ? readListed(reader, length, count) : readBitmap(reader, length);
  if (bad.length !== count) throw new RangeError(`found ${bad.length} real servers; it says ${count}`);
  return { root, epoch, frozen: (flags & FLAG.frozen) !== 0, blind: (flags & FLAG.blind) !== 0, length, bad };
}

function readListed(reader: Reader, length: number, count: number): number[] {
  const bad: number[] = [];
  for (let next = 0; bad.length < count; next++) {
    next += reader.number(length);
    if (next >= length) throw new RangeError(`found index ${next} of a list of ${length}`);
    bad.push(next);
  }
  if (reader.left > 0) throw new RangeError(`${reader.left} bytes are left over`);
  return bad;
}

function readBitmap(reader: Reader, length: number): number[] {
  const size = Math.ceil(length / 8);
  const bits = zstdDecompressSync(reader.take(reader.left), { maxOutputLength: Math.max(size, 1) });
  if (bits.length !== size) throw new RangeError(`found a bitmap of ${bits.length} bytes; allowed: ${size}`);
  const bad: number[] = [];
  for (let byte = 0; byte < size; byte++) {
    if (bits[byte] === 0) continue;
    for (let bit = 0; bit < 8; bit++) if ((bits[byte]! & (1 << bit)) !== 0) bad.push(byte * 8 + bit);
  }
  if ((bad.at(-1) ?? -1) >= length) throw new RangeError(`found index ${bad.at(-1)} of a list of ${length}`);
  return bad;
}
