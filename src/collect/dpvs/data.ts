/** One reading of DPVS. */
import type { Exact } from '../../model/exact.ts';
import type { ControlState } from '../control-metrics.ts';
import type { InterfaceAddress, LocalAddress } from './addresses.ts';
import type { AccessEntry, Connection, Neighbour, Route } from './inventory.ts';
import type { LcoreStats } from './lcores.ts';
import type { Bond, PortBasic, PortExtInfo, PortStats, Xstat } from './ports.ts';
import type { Traffic } from '../service-metrics.ts';
import type { Dest, Service } from './services.ts';

export interface ServiceReading extends Omit<Service, 'entry' | 'traffic'> {
  readonly realServers: readonly Dest[];
  /** Interface that has the service's address, and the port that carries it: what the config names, if it names one of them. */
  readonly device?: string;
  readonly port?: string;
  /** Port that carries all its local addresses, through which FullNAT reaches real servers; as `port`, and only if it is one. */
  readonly via?: string;
}

export interface CoreReading {
  readonly role: 'master' | 'kni' | 'worker' | 'isolated';
  readonly stats: LcoreStats;
  /** Bursts with some packets, but not full; never going back. */
  readonly partialBursts: Exact;
}

export interface PortReading {
  /** Whether a device of DPDK is behind it. */
  readonly device: boolean;
  readonly basic: PortBasic;
  readonly stats: PortStats;
  readonly bond?: Bond;
}

/** Port misses of one local address, carried beyond the 32 bits in which DPVS counts them. */
export interface PoolReading {
  readonly device: string;
  readonly port: string;
  readonly address: string;
  readonly used: number;
  readonly free: number;
  readonly missed: number;
  /** The worker that it belongs to, where each worker has addresses of its own. */
  readonly core?: number;
}

/** The way of control traffic that comes by a port of the configuration. */
export interface ControlPath {
  /** Name of the NIC. */
  readonly nic: string;
  readonly state: ControlState;
  /** Cores of other NUMA nodes than the port's that poll its queues; undefined: not known. */
  readonly astray?: readonly number[];
}

/** What is read at the cadence of `detailInterval`. */
export interface Details {
  readonly local: readonly { readonly service: string; readonly addresses: readonly LocalAddress[] }[];
  readonly queues: ReadonlyMap<number, readonly string[]>;
  /** NUMA node of each core. */
  readonly sockets: ReadonlyMap<number, number>;
  /** Addresses whose packets the KNI core takes, by port; not there: DPVS does not say. */
  readonly kniFlows: ReadonlyMap<string, readonly string[]>;
  readonly hardware: ReadonlyMap<string, PortExtInfo>;
  readonly xstats: ReadonlyMap<string, readonly Xstat[]>;
  readonly neighbours: readonly Neighbour[];
  readonly routes: readonly Route[];
  readonly deny: readonly AccessEntry[];
  readonly allow: readonly AccessEntry[];
  readonly multicast: readonly { readonly device: string; readonly addresses: number; readonly macs: number }[];
  readonly connections: readonly Connection[];
}

/** One service as one worker counts it. */
export interface PerCore {
  readonly service: string;
  readonly lcore: number;
  /** Summed over real servers; never falls. */
  readonly traffic: Traffic;
  readonly realServers: readonly Dest[];
}

export interface DpvsData {
  readonly version: string;
  /** Releases whose layouts are used. */
  readonly messages: string;
  /** Another one: DPVS has been started again. */
  readonly epoch: string;
  readonly ports: readonly PortReading[];
  readonly control: {
    readonly requests: number;
    readonly dropped: number;
    readonly errors: readonly (readonly [number, number])[];
  };
  /** Whether what follows was read just now, or is that of an earlier reading. */
  readonly tablesNew: boolean;
  readonly services: readonly ServiceReading[];
  readonly unread: number;
  readonly cores: readonly CoreReading[];
  readonly addresses: readonly InterfaceAddress[];
  readonly pools: readonly PoolReading[];
  readonly paths: readonly ControlPath[];
  readonly details: Details;
  readonly perCore: readonly PerCore[];
}
