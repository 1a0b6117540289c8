/** A server as its agent would export it, with made-up values: families of data planes that a test machine cannot have. */
import type { Metric } from '../../../src/model/family.ts';
import { counter, gauge } from '../../../src/model/family.ts';
import { bgp } from '../../../src/collect/bgp.ts';
import { control } from '../../../src/collect/control.ts';
import { dpdk } from '../../../src/collect/dpdk.ts';
import { dpvs } from '../../../src/collect/dpvs.ts';
import { ipvs } from '../../../src/collect/ipvs.ts';
import { keepalived } from '../../../src/collect/keepalived.ts';
import { logqueue } from '../../../src/collect/logqueue.ts';
import { nic } from '../../../src/collect/nic.ts';
import { passthrough } from '../../../src/collect/passthrough.ts';
import { sync } from '../../../src/collect/sync.ts';
import { Output } from '../../../src/collect/output.ts';
import type { Samples } from '../../../src/collect/collector.ts';
import { Exposition } from '../../../src/metrics/exposition.ts';
import { castOf } from './cast.ts';
import { LATENCY_BOUNDS, latencyCounts, moveOf } from './values.ts';

/** Kinds of synthetic servers: what their collectors export, their names for NICs and sources, their part in VRRP. */
const KINDS = {
  'demo-dpvs': {
    collectors: [dpdk, dpvs, keepalived, logqueue, passthrough],
    own: { source: ['dpvs'], nic: ['dpdk0', 'dpdk1'] },
    vrrp: 'master',
  },
  'demo-lvs': {
    collectors: [bgp, control, ipvs, keepalived, nic, sync],
    own: { source: ['ipvs'], nic: ['bond0', 'bond1'] },
    vrrp: 'backup',
  },
} as const;
export type SyntheticName = keyof typeof KINDS;
export const SYNTHETIC = Object.keys(KINDS) as readonly SyntheticName[];

/** Of the agent's own families, those without which a server would be missing from variables and tables. */
const AGENT: readonly Metric[] = [
  gauge('build_info', 'Version of the agent; always 1.', ['version', 'node_version']),
  gauge('nic_up', 'Whether the NIC is usable.', ['nic']),
  gauge('nic_carrier', 'Whether the link has carrier.', ['nic']),
  gauge('nic_slice_enabled', 'Whether services may use the NIC.', ['nic']),
  gauge('lane_cells', 'Checks by state.', ['nic', 'state']),
  counter('check_results_total', 'Finished checks.', ['nic', 'outcome']),
  gauge('service_up', 'Whether the service is up.', ['service']),
  gauge('service_slice_enabled', 'Whether the service is served through the NIC.', ['service', 'nic']),
  gauge('service_panic', 'Whether the service is in panic.', ['service']),
  gauge('service_real_servers', 'Real servers by state.', ['service', 'state']),
  gauge('real_server_up', 'Whether the real server is up.', ['service', 'real_server', 'rack']),
  gauge('real_server_weight', 'Weights.', ['service', 'real_server', 'kind']),
  gauge('collector_findings', 'Findings.', ['collector', 'finding']),
  gauge('certificate_not_after_timestamp_seconds', 'Expiry of certificates.', ['real_server']),
];

/** Of shadow mode, which the lab's agent is not in. A histogram's sum and count are all that the dashboards ask for. */
const SHADOW: readonly Metric[] = [
  gauge('shadow_compared_real_servers', 'Real servers that both know.'),
  gauge('shadow_agreeing_real_servers', 'Real servers on which both agree.'),
  gauge('shadow_differing_real_servers', 'Real servers on which they differ.', ['out', 'verdict']),
  counter('shadow_changes_total', 'Changes.', ['first', 'end']),
  gauge('shadow_lead_seconds_sum', 'Lead.', ['first']),
  gauge('shadow_lead_seconds_count', 'Lead.', ['first']),
];

/** Of a cluster with an etcd, which the lab's agent is not in. */
const AMONG: readonly Metric[] = [
  gauge('cluster_release_state', 'State of the release.', ['state']),
  gauge('cluster_stale_seconds', 'Age of what is known of etcd.'),
  gauge('cluster_evidence_bad', 'Bad real servers.'),
  gauge('cluster_witnesses', 'Others that can tell.'),
  gauge('cluster_budget_held', 'Held.', ['budget']),
  gauge('cluster_budget_denied', 'Denied.', ['budget']),
];

export class SyntheticServer {
  readonly #metrics: readonly Metric[];
  readonly #kind: (typeof KINDS)[SyntheticName];
  readonly #output = new Output();
  readonly #exposition: Exposition;
  readonly #start = performance.now();

  constructor(server: SyntheticName, cluster = 'lab') {
    this.#kind = KINDS[server];
    this.#exposition = new Exposition({ cluster, server });
    const own = server === 'demo-lvs' ? [...SHADOW, ...AMONG] : [];
    const byName = new Map([...AGENT, ...own, ...this.#kind.collectors.flatMap((c) => c.metrics)].map((m) => [m.name, m]));
    if (server === 'demo-lvs') byName.delete('fourlane_certificate_not_after_timestamp_seconds');
    this.#metrics = [...byName.values()];
  }

  /** The body of a scrape now. */
  scrape(): Buffer {
    const t = (performance.now() - this.#start) / 1000;
    this.#output.take((samples) => {
      for (const metric of this.#metrics) this.#write(metric, samples, t);
    });
    return this.#exposition.render(this.#output.families(), 'text');
  }

  #write(metric: Metric, samples: Samples, t: number): void {
    const move = moveOf(metric.name, this.#kind.vrrp);
    for (const row of castOf(metric, this.#kind.own)) {
      const labels = Object.fromEntries(metric.labelNames.map((label, k) => [label, row[k]!]));
      if (metric.type === 'gauge') samples.gauge(metric, row, move(labels, t));
      else if (metric.type === 'counter') samples.counter(metric, row, Math.max(0, Math.floor(move(labels, t))));
      else this.#latency(metric, row, labels['core'] ?? '', samples, t);
    }
  }

  #latency(metric: Metric, row: readonly string[], core: string, samples: Samples, t: number): void {
    const counts = latencyCounts(core, t);
    const sum = counts.reduce((s, n, k) => s + n * (LATENCY_BOUNDS[k] ?? 2e-3) * 0.75, 0);
    samples.histogram(metric, row, { bounds: LATENCY_BOUNDS, counts, sum });
  }
}
