/** What test files cost, for running them side by side: as a run of all of them on two cores has printed it. */

export interface Cost {
  /** Duration, s. */
  readonly seconds: number;
  /** CPUs used on average: time on CPUs / duration; 1 at most, so that it finds a place beside others. */
  readonly cpus: number;
  /** Time on CPUs, s, where it is not the product of both. */
  readonly cpuSeconds?: number;
  /** It compares how soon something is found, so it runs after the others; `alone`: with nothing beside it. */
  readonly quiet?: true | 'alone';
}

/** By path below test/, without `.test.ts`. A system test that is not listed is taken to be an average one. */
export const COSTS: Readonly<Record<string, Cost>> = {
  'act/sorry': { seconds: 5, cpus: 1 },
  'checks/pattern': { seconds: 2, cpus: 0.9 },
  'cluster/book': { seconds: 2, cpus: 1 },
  'cluster/properties': { seconds: 30, cpus: 0.7 },
  'collect/dpvs-hostile': { seconds: 4, cpus: 0.8 },
  'config/excess': { seconds: 4, cpus: 0.9 },
  'judge/by-checker': { seconds: 5, cpus: 1 },
  'judge/recorded': { seconds: 3, cpus: 1 },
  'config/yaml': { seconds: 8, cpus: 0.9 },
  'judge/properties': { seconds: 75, cpus: 0.8 },
  'keepalived/fuzz': { seconds: 13, cpus: 0.6 },
  'system/act-disk': { seconds: 1, cpus: 0.8 },
  'system/agent-checks': { seconds: 4, cpus: 0.5 },
  'system/agent-disk': { seconds: 24, cpus: 0.3 },
  'system/agent-endurance': { seconds: 34, cpus: 0.8 },
  'system/agent-limits': { seconds: 8, cpus: 1, quiet: 'alone' },
  'system/agent-log': { seconds: 5, cpus: 0.7 },
  'system/agent-nic': { seconds: 10, cpus: 0.5 },
  'system/agent-restart': { seconds: 37, cpus: 0.4 },
  'system/agent-secrets': { seconds: 6, cpus: 0.7 },
  'system/alert-rules': { seconds: 11, cpus: 0.8 },
  'system/alertmanager': { seconds: 3, cpus: 0.8 },
  'system/attack': { seconds: 29, cpus: 0.5, quiet: true },
  'system/attack-beside': { seconds: 28, cpus: 0.5, quiet: true },
  'system/bgp-act': { seconds: 56, cpus: 0.5 },
  'system/bgp-states': { seconds: 25, cpus: 0.3 },
  'system/check-mark': { seconds: 1, cpus: 0.6 },
  'system/cluster-agent': { seconds: 65, cpus: 0.8 },
  'system/cluster-cli': { seconds: 17, cpus: 0.5 },
  'system/cluster-evidence': { seconds: 34, cpus: 0.6 },
  'system/cluster-fleet': { seconds: 75, cpus: 0.5 },
  'system/container': { seconds: 30, cpus: 0.5 },
  'system/dashboards': { seconds: 32, cpus: 0.8 },
  'system/doctor': { seconds: 18, cpus: 0.5 },
  'system/dpdk': { seconds: 13, cpus: 0.7 },
  'system/dpdk-agent': { seconds: 5, cpus: 0.6 },
  'system/dpdk-telemetry': { seconds: 16, cpus: 0.7 },
  'system/dpvs-agent-veto': { seconds: 21, cpus: 0.2 },
  'system/ensure': { seconds: 10, cpus: 0.2 },
  'system/etcd': { seconds: 67, cpus: 0.1 },
  'system/etcd-agent': { seconds: 48, cpus: 0.2 },
  'system/etcd-chaos': { seconds: 63, cpus: 0.3 },
  'system/genhash': { seconds: 4, cpus: 0.6 },
  'system/import': { seconds: 16, cpus: 0.5 },
  'system/init': { seconds: 21, cpus: 0.8 },
  'system/keepalived': { seconds: 36, cpus: 0.4 },
  'system/keepalived-lint': { seconds: 4, cpus: 0.8 },
  'system/keepalived-many': { seconds: 24, cpus: 0.4 },
  'system/lab': { seconds: 37, cpus: 0.5 },
  'system/lab-cluster': { seconds: 40, cpus: 0.5 },
  'system/lab-demo': { seconds: 77, cpus: 0.5 },
  'system/lab-matrix': { seconds: 215, cpus: 0.45 },
  'system/lanes': { seconds: 29, cpus: 0.6, quiet: 'alone' },
  'system/links': { seconds: 7, cpus: 0.3 },
  'system/logqueue': { seconds: 11, cpus: 0.5 },
  'system/logqueue-rotation': { seconds: 20, cpus: 0.1 },
  'system/metrics': { seconds: 1, cpus: 0.7 },
  'system/nic-collector': { seconds: 4, cpus: 0.7 },
  'system/opentelemetry': { seconds: 27, cpus: 0.6 },
  'system/opentelemetry-hostile': { seconds: 27, cpus: 0.2 },
  'system/paging': { seconds: 181, cpus: 0.3 },
  'system/proxy-protocol': { seconds: 11, cpus: 0.5 },
  'system/readers': { seconds: 22, cpus: 0.8, quiet: 'alone' },
  'system/replay': { seconds: 2, cpus: 0.7 },
  'system/status-page': { seconds: 13, cpus: 0.8 },
  'system/steer': { seconds: 49, cpus: 0.2 },
  'system/toa-option': { seconds: 6, cpus: 0.5 },
  'system/unit-file': { seconds: 43, cpus: 0.6 },
};

const AVERAGE: Cost = { seconds: 15, cpus: 0.6 };

/** The cost of a file, by its path. */
export function costOf(file: string): Cost {
  return COSTS[file.slice('test/'.length, -'.test.ts'.length)] ?? AVERAGE;
}

/**
 * Unit tests with a cost of their own: they compute for so long that they get a process of their own, unmeasured, which is three
 * times faster.
 */
export function runsAlone(unitTest: string): boolean {
  return costOf(unitTest) !== AVERAGE;
}
