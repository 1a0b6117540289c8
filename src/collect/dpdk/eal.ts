/**
 * What DPDK itself reports about rings, mempools and ports. Fields that a version lacks are undefined; empty dicts are `[]`
 * before 24.03.
 */
import * as z from 'zod';
import type { Exact } from '../../model/exact.ts';
import { small, u64 } from '../telemetry/answer.ts';

/** A ring's fill. */
export interface Ring {
  readonly ring: string;
  readonly used: number;
  readonly capacity: number;
}

const gone = z.union([z.strictObject({}), z.tuple([])]).transform(() => undefined);

/** Of `/ring/info,<name>`; undefined when the ring has gone since the list was made. */
export const ringInfo = z.union([
  gone,
  z
    .object({ name: z.string(), used_count: small, capacity: small })
    .transform((r): Ring => ({ ring: r.name, used: r.used_count, capacity: r.capacity })),
]);

/** A mempool's fill. `available` needs DPDK ≥ 23.03. */
export interface Mempool {
  readonly pool: string;
  readonly size: number;
  readonly available?: number;
}

/** Of `/mempool/info,<name>`; undefined when the pool has gone. Free objects wait in the pool and in the cores' caches. */
export const mempoolInfo = z.union([
  gone,
  z
    .object({
      name: z.string(),
      populated_size: small,
      total_cache_count: small.optional(),
      common_pool_count: small.optional(),
    })
    .transform(
      (p): Mempool => ({
        pool: p.name,
        size: p.populated_size,
        ...(p.common_pool_count !== undefined && { available: p.common_pool_count + (p.total_cache_count ?? 0) }),
      }),
    ),
]);

/** Of `/ethdev/info,<id>`: how the config names the port: PCI address, or the name of a vdev. */
export const portName = z.object({ name: z.string().min(1).max(127) }).transform((i) => i.name);

/** Counters of a port. */
export interface PortStats {
  readonly rxPackets: Exact;
  readonly txPackets: Exact;
  readonly rxBytes: Exact;
  readonly txBytes: Exact;
  /** Dropped by the hardware because no core fetched them in time. */
  readonly rxMissed: Exact;
  readonly rxErrors: Exact;
  readonly txErrors: Exact;
  /** Not received because the mempool was empty. */
  readonly rxNoMbuf: Exact;
}

/** Of `/ethdev/stats,<id>`. */
export const portStats = z
  .object({
    ipackets: u64,
    opackets: u64,
    ibytes: u64,
    obytes: u64,
    imissed: u64,
    ierrors: u64,
    oerrors: u64,
    rx_nombuf: u64,
  })
  .transform(
    (s): PortStats => ({
      rxPackets: s.ipackets,
      txPackets: s.opackets,
      rxBytes: s.ibytes,
      txBytes: s.obytes,
      rxMissed: s.imissed,
      rxErrors: s.ierrors,
      txErrors: s.oerrors,
      rxNoMbuf: s.rx_nombuf,
    }),
  );

/** State of a port's link. */
export interface PortLink {
  readonly up: boolean;
  /** Mbit/s; undefined when it is down or not known (RTE_ETH_SPEED_NUM_UNKNOWN). */
  readonly mbps?: number;
}

const SPEED_UNKNOWN = 0xffff_ffff;

/** Of `/ethdev/link_status,<id>`. */
export const portLink = z.object({ status: z.enum(['UP', 'DOWN']), speed: small.optional() }).transform(
  ({ status, speed = SPEED_UNKNOWN }): PortLink => ({
    up: status === 'UP',
    ...(status === 'UP' && speed !== SPEED_UNKNOWN && speed > 0 && { mbps: speed }),
  }),
);

/** Of `/ethdev/xstats,<id>`: the driver's own counters. */
export const portXstats = z.union([
  z.tuple([]).transform(() => new Map<string, Exact>()),
  z.record(z.string().max(127), u64).transform((x) => new Map(Object.entries(x))),
]);
