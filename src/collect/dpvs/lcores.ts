/** Cores: LCORE_MASK, LCORE_BASIC, LCORE_STATS (include/conf/netif.h). Pure. */
import type { Exact } from '../../model/exact.ts';
import { atLeast, DecodeError, exactly, text, u64 } from './wire.ts';

export interface Lcores {
  readonly master: number;
  /** The lcore that serves KNI alone; undefined: none does. */
  readonly kni: number | undefined;
  /** Ascending: the order in which `index` counts them. */
  readonly workers: readonly number[];
  readonly isolated: readonly number[];
}

/** @throws DecodeError */
export function decodeLcoreMask(body: Buffer): Lcores {
  exactly('LCORE_MASK', body, 24);
  const workers = members(body, 8);
  // Before v1.8.4 the byte of the KNI core was not there, and what follows it one byte earlier.
  const kni = body[2] === workers.length ? body[1]! : 0;
  if (body[2] !== workers.length && body[1] !== workers.length) {
    throw new DecodeError('LCORE_MASK', `${body[2]} workers and a mask of ${workers.length}`, 'the same number');
  }
  return { master: body[0]!, kni: kni === 0 ? undefined : kni, workers, isolated: members(body, 16) };
}

function members(body: Buffer, at: number): number[] {
  const bits = body.readBigUInt64LE(at);
  return Array.from({ length: 64 }, (_, i) => i).filter((i) => ((bits >> BigInt(i)) & 1n) === 1n);
}

export interface LcoreBasic {
  readonly lcore: number;
  readonly socket: number;
  /** `dpdk0:rx0`, `dpdk0:tx0` … */
  readonly queues: readonly string[];
}

/** @throws DecodeError */
export function decodeLcoreBasic(body: Buffer): LcoreBasic {
  atLeast('LCORE_BASIC', body, 8);
  const size = body.readUInt32LE(4);
  exactly('LCORE_BASIC', body, 8 + size);
  const queues = text(body, 8, size)
    .split(/\s+/)
    .filter((q) => q !== '');
  return { lcore: body[0]!, socket: body[1]!, queues };
}

export interface LcoreStats {
  readonly lcore: number;
  readonly loops: Exact;
  /** Receive bursts: all, without packets, full (32), up to half full, more than half full. */
  readonly bursts: Exact;
  readonly emptyBursts: Exact;
  readonly fullBursts: Exact;
  readonly lowBursts: Exact;
  readonly highBursts: Exact;
  readonly inPackets: Exact;
  readonly inBytes: Exact;
  readonly outPackets: Exact;
  readonly outBytes: Exact;
  readonly dropped: Exact;
}

/** @throws DecodeError */
export function decodeLcoreStats(body: Buffer): LcoreStats {
  exactly('LCORE_STATS', body, 96);
  return {
    lcore: body[0]!,
    loops: u64(body, 8),
    bursts: u64(body, 16),
    emptyBursts: u64(body, 24),
    fullBursts: u64(body, 32),
    lowBursts: u64(body, 40),
    highBursts: u64(body, 48),
    inPackets: u64(body, 56),
    inBytes: u64(body, 64),
    outPackets: u64(body, 72),
    outBytes: u64(body, 80),
    dropped: u64(body, 88),
  };
}
