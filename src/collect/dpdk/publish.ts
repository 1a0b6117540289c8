/** Readings of DPDK processes as samples and as evidence. Pure. */
import type { Exact } from '../../model/exact.ts';
import type { PortEvidence, Samples } from '../collector.ts';
import * as c from '../core-metrics.ts';
import type { CoreLatency } from './contract.ts';
import type { Up } from './instance.ts';
import type { CoreState } from './memory.ts';
import * as m from './metrics.ts';
import { publishSync } from './publish-sync.ts';
import type { Port } from './reader.ts';

const seconds = (ns: Exact) => Number(ns) / 1e9;

function publishLatency(source: string, l: CoreLatency, bounds: readonly number[], pid: number, samples: Samples): void {
  const labels = [source, l.core];
  const { counts, sumNs, epoch } = l;
  samples.histogram(c.CORE_LATENCY, labels, { bounds, counts, sum: seconds(sumNs), epoch: `${pid} ${epoch}` });
  if (l.since !== undefined) {
    samples.gauge(m.LATENCY_MIN, labels, seconds(l.since.minNs));
    samples.gauge(m.LATENCY_MAX, labels, seconds(l.since.maxNs));
    samples.gauge(m.LATENCY_SMOOTHED, labels, seconds(l.since.smoothedNs));
    samples.gauge(m.LATENCY_JITTER, labels, seconds(l.since.jitterNs));
  }
  if (l.window !== undefined) {
    samples.gauge(m.WINDOW_MIN, labels, seconds(l.window.minNs));
    samples.gauge(m.WINDOW_MAX, labels, seconds(l.window.maxNs));
  }
}

function publishCore(source: string, core: CoreState, epoch: string, samples: Samples): void {
  const labels = [source, core.core];
  samples.counter(c.CORE_CYCLES, [...labels, 'busy'], core.busyCycles, epoch);
  samples.counter(c.CORE_CYCLES, [...labels, 'idle'], core.idleCycles, epoch);
  if (core.stalled !== undefined) samples.gauge(c.CORE_STALLED, labels, Number(core.stalled));
  if (core.loops !== undefined) samples.counter(c.CORE_LOOPS, labels, core.loops, epoch);
  if (core.emptyPolls !== undefined) samples.counter(c.CORE_POLLS, [...labels, 'empty'], core.emptyPolls, epoch);
  if (core.maxLoopNs !== undefined) samples.gauge(c.CORE_LOOP_MAX, labels, seconds(core.maxLoopNs));
  if (core.rxPackets !== undefined) samples.counter(c.CORE_PACKETS, [...labels, 'in'], core.rxPackets, epoch);
  if (core.txPackets !== undefined) samples.counter(c.CORE_PACKETS, [...labels, 'out'], core.txPackets, epoch);
  if (core.txDropped !== undefined) samples.counter(c.CORE_DROPPED, labels, core.txDropped, epoch);
}

function publishPort(source: string, { port, stats, link, xstats }: Port, epoch: string, samples: Samples): void {
  const labels = [source, port];
  const both = (metric: typeof m.PORT_PACKETS, rx: Exact, tx: Exact) => {
    samples.counter(metric, [...labels, 'in'], rx, epoch);
    samples.counter(metric, [...labels, 'out'], tx, epoch);
  };
  samples.gauge(m.PORT_LINK, labels, Number(link.up));
  if (link.mbps !== undefined) samples.gauge(m.PORT_SPEED, labels, link.mbps * 125_000);
  both(m.PORT_PACKETS, stats.rxPackets, stats.txPackets);
  both(m.PORT_BYTES, stats.rxBytes, stats.txBytes);
  both(m.PORT_ERRORS, stats.rxErrors, stats.txErrors);
  samples.counter(m.PORT_MISSED, labels, stats.rxMissed, epoch);
  samples.counter(m.PORT_NO_MBUF, labels, stats.rxNoMbuf, epoch);
  for (const [name, value] of xstats) samples.gauge(m.PORT_XSTAT, [...labels, name], Number(value));
}

/** Everything that one process reported. */
export function publishProcess(up: Up, samples: Samples): void {
  const { source, epoch } = up;
  samples.gauge(m.UP, [source], 1);
  samples.gauge(m.INFO, [source, up.version, String(up.pid), up.app], 1);
  for (const [part, problem] of up.parts) samples.gauge(m.PART, [source, part], Number(problem === ''));
  const bounds = up.boundsNs.map(seconds);
  for (const latency of up.latencies) publishLatency(source, latency, bounds, up.pid, samples);
  for (const core of up.cores) publishCore(source, core, up.coreEpoch, samples);
  if (up.sync !== undefined) publishSync(source, up.sync, up.pid, samples);
  for (const { ring, used, capacity } of up.rings) {
    samples.gauge(m.RING_USED, [source, ring], used);
    samples.gauge(m.RING_CAPACITY, [source, ring], capacity);
  }
  for (const { pool, size, available } of up.mempools) {
    samples.gauge(m.POOL_SIZE, [source, pool], size);
    if (available !== undefined) samples.gauge(m.POOL_AVAILABLE, [source, pool], available);
  }
  for (const port of up.ports) publishPort(source, port, epoch, samples);
}

/** A port under its own name, when one process only has it, and as `source/port`. */
export function portEvidence(up: readonly Up[]): readonly PortEvidence[] {
  const all = up.flatMap(({ source, epoch, ports }) => ports.map((p) => ({ source, epoch, ...p })));
  return all.flatMap(({ source, epoch, port, stats, link }) => {
    const rest = { link: link.up ? 1 : 0, rxPackets: stats.rxPackets, txPackets: stats.txPackets, epoch } as const;
    const alone = all.filter((p) => p.port === port).length === 1;
    return [...(alone ? [{ port, ...rest }] : []), { port: `${source}/${port}`, ...rest }];
  });
}
