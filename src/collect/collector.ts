/**
 * What a collector is: one value in `collect/index.ts`. It reads one source; the runner does cadence, deadline, back-off and
 * counting.
 */
import type { z } from 'zod';
import type { Exact } from '../model/exact.ts';
import type { Metric } from '../model/family.ts';
import type { Found } from '../model/finding.ts';
import type { LiveRealServers } from '../model/live-real-server.ts';
import type { Plan } from '../model/plan.ts';

/** What came of reading: data; the source is absent on this machine (quiet); or reading failed (loud). */
export type Reading<D> =
  | { readonly state: 'data'; readonly data: D }
  | { readonly state: 'absent' | 'failed'; readonly reason: string };

/** A source held open between readings. */
export interface Source<D> {
  /**
   * One reading. `signal` aborts at the deadline: give up then, and leave nothing running. Never called again before the promise
   * has settled. May reject: that is `failed` with the error's message. Must not block the thread.
   */
  read(signal: AbortSignal): Promise<Reading<D>>;
  /**
   * What tells one run of the source from the next, such as the inode of its socket; undefined: it is not there. Cheap: while the
   * source is left alone after failures it is asked for at the collector's cadence, and another run is read at once.
   */
  run?(): Promise<string | undefined>;
  /**
   * What it shows of these NICs now: a few cheap questions, also while a reading is under way; `signal` aborts at the deadline.
   * undefined: nothing, such as before the first reading.
   */
  ask?(nics: readonly CollectedNic[], signal: AbortSignal): Promise<Evidence | undefined>;
  /** Real servers of a service as they are now, out of turn; undefined: it can't be told. `vip`: as in the plan. */
  realServers?(vip: string, signal: AbortSignal): Promise<LiveRealServers>;
  /** Ends connections, children, watchers. */
  close(): void | Promise<void>;
}

/** A NIC of the plan, as collectors see it. */
export interface CollectedNic {
  readonly name: string;
  readonly device: string;
  readonly dataplane?: string;
}

/** What sources get from the daemon. */
export interface CollectContext {
  /** Monotonic ms. */
  readonly clock: () => number;
  readonly log: (level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** NICs of the present plan. */
  readonly nics: () => readonly CollectedNic[];
  /** What the present plan says of the edge: another object when it has changed. */
  readonly edge: () => Pick<Plan, 'snat' | 'bgp'>;
  /** Name of this server in the present plan; left out: it has none. */
  readonly server?: () => string;
  /** What the present plan declares of services; left out: nothing is configured. */
  readonly plan?: () => Pick<Plan, 'services' | 'targets' | 'snat'> & { readonly nics: readonly CollectedNic[] };
  /**
   * One thing for all collectors that ask with the same key, such as a connection to one socket; closed when the last one gives
   * it back.
   */
  share<T extends { close(): void | Promise<void> }>(key: string, make: () => T): { readonly value: T; release(): void };
}

/** A cumulative histogram of a source. */
export interface HistogramReading {
  /** Upper bounds without +Inf, in base units. */
  readonly bounds: readonly number[];
  /** Per bucket, not cumulated; the last one is +Inf. */
  readonly counts: readonly Exact[];
  /** In base units. */
  readonly sum: number;
  /** As for a counter. */
  readonly epoch?: Exact | string;
}

/** Where `publish` writes. Series that a reading does not mention are gone after it. */
export interface Samples {
  /**
   * Leaves all series of these metrics as the reading before wrote them: for a source that reads some parts less often than
   * others. Not for histograms. @returns false when there is nothing to leave, as in the first reading; then write them.
   */
  keep(metrics: readonly Metric[]): boolean;
  gauge(metric: Metric, labels: readonly string[], value: number): void;
  /**
   * A cumulative counter of the source. Exported is a monotonic one: it begins at the first value seen; when the source goes
   * back, or comes with another `epoch` (start time, pid), it has started again and what it shows now is added.
   * @returns the increase since the reading before; at first sight the value itself.
   */
  counter(metric: Metric, labels: readonly string[], value: Exact, epoch?: Exact | string): Exact;
  /**
   * A counter that we keep ourselves, such as a service's sum over its real servers: adds `by`, also several times in one
   * reading.
   */
  increase(metric: Metric, labels: readonly string[], by: Exact): void;
  histogram(metric: Metric, labels: readonly string[], reading: HistogramReading): void;
}

/**
 * A port of the data plane as evidence for the judge; counters are cumulative. `port` is what the config's `nics[].dataplane`
 * names.
 */
export interface PortEvidence {
  readonly port: string;
  /** 0: no link, or a bond without an active member. Left out = not known. */
  readonly link?: 0 | 1;
  readonly rxPackets: Exact;
  readonly txPackets: Exact;
  readonly epoch?: Exact | string;
}

/**
 * Connections to one real server of one service, cumulative, where replies pass the load balancer (not DR, not TUN). No data
 * plane counts SYN and ESTABLISHED apart; min(Δconnections, Δreplies) is the most that can have been answered.
 */
export interface ConnectionEvidence {
  /** As in the plan: `10.0.0.1:80/tcp`, `fwmark:7`. */
  readonly vip: string;
  /** Tells it from the other connections of the VIP, the same in each reading. */
  readonly key: string;
  /** Port of the data plane that carries the VIP, when the source knows. */
  readonly port?: string;
  /** Port through which the real server is reached, when the source knows and it is always the same. */
  readonly via?: string;
  readonly connections: Exact;
  /** Packets sent back to clients. */
  readonly replies: Exact;
}

/** What routing daemons show of the uplinks of a NIC: see RoutingFact. */
export interface RoutingEvidence {
  /** Name of the NIC. */
  readonly nic: string;
  readonly session: 0 | 1;
  readonly bfd?: 0 | 1;
}

export interface Evidence {
  readonly ports?: readonly PortEvidence[];
  readonly connections?: readonly ConnectionEvidence[];
  readonly routing?: readonly RoutingEvidence[];
  /** Its source can be asked about a NIC at once. */
  readonly onRequest?: true;
}

/** Cadence and limits of one collector, ms. */
export interface Timing {
  readonly interval: number;
  readonly timeout: number;
  readonly staleAfter: number;
}

export interface Collector {
  /** Config key, metric label `collector`, file name. */
  readonly name: string;
  /** One line for help and docs. */
  readonly summary: string;
  /**
   * Its block in the config: strict, every parameter described, every default filled in. `interval`, `timeout`, `staleAfter` are
   * added.
   */
  readonly schema: z.ZodObject;
  /** Defaults, ms: between readings; for one reading; how long the last good values are shown while reading fails. */
  readonly interval: number;
  readonly timeout: number;
  readonly staleAfter: number;
  /** Everything `publish` may write. */
  readonly metrics: readonly Metric[];
  /**
   * Gauges that state that something is there. They never outlive a failed reading: they are 0 then, or gone where 0 would state
   * something too.
   */
  readonly existence?: { readonly zero?: readonly Metric[]; readonly gone?: readonly Metric[] };
  open(settings: unknown, context: CollectContext): Source<unknown>;
  /** Pure: a reading as samples. */
  publish(data: unknown, samples: Samples): void;
  /** Pure: what a reading proves about ports and connections. */
  evidence?(data: unknown): Evidence;
  /** Pure: what people should see of services and real servers, and the judge does not. */
  findings?(data: unknown, plan: Pick<Plan, 'services'>): readonly Found[];
}

type Typed<S extends z.ZodObject, D> = Omit<Collector, 'schema' | 'open' | 'publish' | 'evidence' | 'findings'> & {
  readonly schema: S;
  open(settings: z.output<S> & Timing, context: CollectContext): Source<D>;
  publish(data: D, samples: Samples): void;
  evidence?(data: D): Evidence;
  findings?(data: D, plan: Pick<Plan, 'services'>): readonly Found[];
};

/** A collector whose functions see its settings and data typed: the runner only hands back what `open`'s source read. */
export function collector<S extends z.ZodObject, D>(typed: Typed<S, D>): Collector {
  return typed as unknown as Collector;
}
