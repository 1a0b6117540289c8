/**
 * control: the way of control traffic (BGP, BFD, what comes up from a DPDK port) between NIC and program: whether it has a
 * receive queue of its own, where it is dropped, and whether what serves a NIC is on its NUMA node. It changes nothing.
 */
import * as z from 'zod';
import { openEthtool } from '../sys/ethtool.ts';
import { type CollectContext, collector, type Reading, type Samples, type Source } from './collector.ts';
import { CONTROL_METRICS, PART_STATE } from './control/metrics.ts';
import type { Means, Roots } from './control/part.ts';
import { PARTS } from './control/parts.ts';
import { askQueues } from './control/queues.ts';
import { failed } from './deadline.ts';

const schema = z.strictObject({
  ports: z
    .array(z.int().min(1).max(65_535))
    .min(1)
    .max(16)
    .default([179, 3784])
    .describe('ports of control traffic, at either end: BGP, BFD; with BFD over several hops also 4784'),
  addresses: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(64)
    .default([])
    .describe('own addresses that nothing but control traffic is sent to: a rule for one of them is a rule for control traffic'),
});

const KERNEL: Roots = { net: '/sys/class/net', proc: '/proc', nodes: '/sys/devices/system/node' };

/** What each part gave, by its name. */
export type ControlData = ReadonlyMap<string, Reading<unknown>>;

type Asked = Partial<Pick<Means, 'roots' | 'queues' | 'ethtool'>>;

export class ControlSource implements Source<ControlData> {
  readonly #settings: z.output<typeof schema>;
  readonly #context: Pick<CollectContext, 'nics' | 'edge'>;
  readonly #asked: Asked;

  /** `asked`: another machine than this one, for tests. */
  constructor(settings: z.output<typeof schema>, context: Pick<CollectContext, 'nics' | 'edge'>, asked: Asked = {}) {
    this.#settings = settings;
    this.#context = context;
    this.#asked = asked;
  }

  async read(signal: AbortSignal): Promise<Reading<ControlData>> {
    const nics = this.#context.nics();
    if (nics.length === 0) return { state: 'absent', reason: 'no NIC is configured; name a configuration with --config' };
    const uplinks = this.#context.edge().bgp?.uplinks ?? [];
    const peers = Map.groupBy(uplinks, ({ nic }) => nic);
    const means: Means = {
      nics,
      roots: KERNEL,
      ...this.#settings,
      peers: new Map([...peers].map(([nic, list]) => [nic, list.map(({ peer }) => peer)])),
      queues: askQueues,
      ethtool: openEthtool,
      ...this.#asked,
    };
    const data = new Map<string, Reading<unknown>>();
    for (const part of PARTS) {
      data.set(part.name, await part.read(means, signal).catch((error: unknown) => failed(error)));
      signal.throwIfAborted();
    }
    return { state: 'data', data };
  }

  close(): void {}
}

function publish(data: ControlData, samples: Samples): void {
  for (const part of PARTS) {
    const reading = data.get(part.name);
    if (reading === undefined) continue;
    for (const state of ['data', 'absent', 'failed'])
      samples.gauge(PART_STATE, [part.name, state], Number(state === reading.state));
    if (reading.state === 'data') part.publish(reading.data, samples);
  }
}

export const control = collector({
  name: 'control',
  summary: 'the way of control traffic: queues, RSS tables and rules of NICs, drops, NUMA nodes',
  schema,
  interval: 10_000,
  timeout: 5000,
  staleAfter: 60_000,
  metrics: CONTROL_METRICS,
  open: (settings, context) => new ControlSource(settings, context),
  publish,
});
