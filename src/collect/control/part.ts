/** What a part of the collector `control` is: one source, read and published on its own. */
import type { Ethtool } from '../../sys/ethtool.ts';
import type { CollectedNic, Reading, Samples } from '../collector.ts';

/** Where the kernel's files are; tests have copies. */
export interface Roots {
  /** `/sys/class/net` */
  readonly net: string;
  /** `/proc` */
  readonly proc: string;
  /** `/sys/devices/system/node` */
  readonly nodes: string;
}

/** What ethtool's netlink family answers for a device; undefined: the kernel or the driver can't. */
export interface QueueAnswers {
  readonly channels: ReadonlyMap<number, Buffer> | undefined;
  readonly rss: ReadonlyMap<number, Buffer> | undefined;
}

export interface Means {
  readonly nics: readonly CollectedNic[];
  readonly roots: Roots;
  /** Ports of control traffic, and own addresses that nothing else is sent to. */
  readonly ports: readonly number[];
  readonly addresses: readonly string[];
  /** Addresses of the routers behind a NIC, by its name. */
  readonly peers: ReadonlyMap<string, readonly string[]>;
  /** Rejects when the netlink family can't be asked at all. */
  readonly queues: (devices: readonly string[], signal: AbortSignal) => Promise<readonly QueueAnswers[]>;
  readonly ethtool: () => Ethtool;
}

export interface Part<D> {
  /** Label `part`, file name. */
  readonly name: string;
  /** May reject: that is `failed` with the error's message. */
  read(means: Means, signal: AbortSignal): Promise<Reading<D>>;
  /** Pure. */
  publish(data: D, samples: Samples): void;
}

/** A part whose functions see its data typed: what `read` gave is handed back. */
export function part<D>(typed: Part<D>): Part<unknown> {
  return typed as Part<unknown>;
}

/** NICs whose device the kernel drives. One with `dataplane` is driven by DPDK: its device is only the kernel's end of it. */
export function kernelNics(nics: readonly CollectedNic[]): readonly CollectedNic[] {
  return nics.filter(({ device, dataplane }) => dataplane === undefined && !device.endsWith('.kni'));
}
