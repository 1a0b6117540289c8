/** What test files cost, for running them side by side: recorded on two cores, CPU time by the shell's `times`. */

export interface Cost {
  /** Duration, s. */
  readonly seconds: number;
  /** CPUs used on average: time on CPUs / duration; 1 at most, so that it finds a place beside others. */
  readonly cpus: number;
  /** It compares how soon something is found: it runs after the others, beside as little as possible. */
  readonly quiet?: true;
}

/** By path below test/, without `.test.ts`. A system test that is not listed is taken to be an average one. */
export const COSTS: Readonly<Record<string, Cost>> = {
  'checks/pattern': { seconds: 2, cpus: 1 },
  'cluster/properties': { seconds: 24, cpus: 1 },
  'config/excess': { seconds: 4, cpus: 1 },
  'judge/by-checker': { seconds: 5, cpus: 1 },
  'config/yaml': { seconds: 6, cpus: 1 },
  'judge/properties': { seconds: 143, cpus: 1 },
  'keepalived/fuzz': { seconds: 10, cpus: 1 },
  'system/act-disk': { seconds: 1, cpus: 1 },
  'system/agent-checks': { seconds: 4, cpus: 0.5 },
  'system/agent-disk': { seconds: 24, cpus: 0.3 },
  'system/agent-endurance': { seconds: 35, cpus: 0.9 },
  'system/agent-limits': { seconds: 8, cpus: 1, quiet: true },
  'system/agent-log': { seconds: 4, cpus: 0.8 },
  'system/agent-nic': { seconds: 9, cpus: 0.4 },
  'system/agent-restart': { seconds: 31, cpus: 0.5 },
  'system/agent-secrets': { seconds: 5, cpus: 0.7 },
  'system/alert-rules': { seconds: 6, cpus: 0.9 },
  'system/alertmanager': { seconds: 2, cpus: 1 },
  'system/attack': { seconds: 29, cpus: 0.5, quiet: true },
  'system/attack-beside': { seconds: 28, cpus: 0.5, quiet: true },
  'system/bgp-act': { seconds: 45, cpus: 0.6 },
  'system/bgp-states': { seconds: 17, cpus: 0.5 },
  'system/check-mark': { seconds: 1, cpus: 0.5 },
  'system/cluster-agent': { seconds: 45, cpus: 0.6 },
  'system/cluster-cli': { seconds: 18, cpus: 0.4 },
  'system/cluster-evidence': { seconds: 45, cpus: 0.8 },
  'system/cluster-fleet': { seconds: 40, cpus: 0.6 },
  'system/container': { seconds: 28, cpus: 0.5 },
  'system/dashboards': { seconds: 28, cpus: 0.8 },
  'system/doctor': { seconds: 11, cpus: 0.6 },
  'system/dpdk': { seconds: 11, cpus: 0.7 },
  'system/dpdk-agent': { seconds: 5, cpus: 0.5 },
  'system/dpdk-telemetry': { seconds: 14, cpus: 0.7 },
  'system/dpvs-agent-veto': { seconds: 21, cpus: 0.3 },
  'system/ensure': { seconds: 10, cpus: 0.2 },
  'system/etcd': { seconds: 62, cpus: 0.2 },
  'system/etcd-agent': { seconds: 40, cpus: 0.4 },
  'system/etcd-chaos': { seconds: 80, cpus: 0.6 },
  'system/genhash': { seconds: 3, cpus: 0.6 },
  'system/import': { seconds: 12, cpus: 0.5 },
  'system/init': { seconds: 12, cpus: 1 },
  'system/keepalived': { seconds: 36, cpus: 0.4 },
  'system/keepalived-lint': { seconds: 3, cpus: 0.9 },
  'system/keepalived-many': { seconds: 24, cpus: 0.3 },
  'system/lab': { seconds: 37, cpus: 0.4 },
  'system/lab-demo': { seconds: 64, cpus: 0.5 },
  'system/lab-matrix': { seconds: 243, cpus: 0.4 },
  'system/lanes': { seconds: 28, cpus: 1, quiet: true },
  'system/logqueue': { seconds: 9, cpus: 0.5 },
  'system/logqueue-rotation': { seconds: 19, cpus: 0.1 },
  'system/metrics': { seconds: 1, cpus: 0.4 },
  'system/nic-collector': { seconds: 4, cpus: 0.6 },
  'system/opentelemetry': { seconds: 28, cpus: 0.6 },
  'system/opentelemetry-hostile': { seconds: 25, cpus: 0.2 },
  'system/paging': { seconds: 174, cpus: 0.3 },
  'system/proxy-protocol': { seconds: 11, cpus: 0.5 },
  'system/readers': { seconds: 49, cpus: 0.8 },
  'system/replay': { seconds: 1, cpus: 0.8 },
  'system/status-page': { seconds: 23, cpus: 0.4 },
  'system/steer': { seconds: 49, cpus: 0.2 },
  'system/unit-file': { seconds: 38, cpus: 0.6 },
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
