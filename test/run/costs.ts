/** What test files cost, for running them side by side: recorded on two cores with nothing else running. */

export interface Cost {
  /** Duration alone, s. */
  readonly seconds: number;
  /** CPUs used on average while it runs alone: time on CPUs / duration; 1 at most, so that it finds a place beside others. */
  readonly cpus: number;
  /** It compares how soon something is found: it runs after the others, beside as little as possible. */
  readonly quiet?: true;
}

/** By path below test/, without `.test.ts`. A system test that is not listed is taken to be an average one. */
export const COSTS: Readonly<Record<string, Cost>> = {
  'checks/pattern': { seconds: 4, cpus: 1 },
  'keepalived/fuzz': { seconds: 7, cpus: 1 },
  'judge/by-checker': { seconds: 6, cpus: 1 },
  'config/excess': { seconds: 4, cpus: 1 },
  'config/yaml': { seconds: 7, cpus: 1 },
  'judge/properties': { seconds: 139, cpus: 1 },
  'system/agent-checks': { seconds: 8, cpus: 0.5 },
  'system/agent-disk': { seconds: 23, cpus: 0.5 },
  'system/agent-endurance': { seconds: 54, cpus: 1 },
  'system/agent-limits': { seconds: 9, cpus: 1, quiet: true },
  'system/agent-log': { seconds: 3, cpus: 1 },
  'system/agent-nic': { seconds: 8, cpus: 0.6 },
  'system/agent-restart': { seconds: 27, cpus: 0.6 },
  'system/alert-rules': { seconds: 15, cpus: 1 },
  'system/alertmanager': { seconds: 3, cpus: 1 },
  'system/attack': { seconds: 30, cpus: 0.7, quiet: true },
  'system/attack-beside': { seconds: 30, cpus: 0.7, quiet: true },
  'system/check-mark': { seconds: 4, cpus: 0.5 },
  'system/container': { seconds: 25, cpus: 0.6 },
  'system/dashboards': { seconds: 29, cpus: 1 },
  'system/dpvs-agent-veto': { seconds: 20, cpus: 0.5 },
  'system/doctor': { seconds: 16, cpus: 0.9 },
  'system/dpdk': { seconds: 12, cpus: 0.8 },
  'system/dpdk-agent': { seconds: 5, cpus: 0.7 },
  'system/dpdk-telemetry': { seconds: 13, cpus: 0.8 },
  'system/ensure': { seconds: 11, cpus: 0.3 },
  'system/genhash': { seconds: 4, cpus: 0.6 },
  'system/import': { seconds: 20, cpus: 0.5 },
  'system/init': { seconds: 20, cpus: 0.8 },
  'system/keepalived': { seconds: 39, cpus: 0.4 },
  'system/keepalived-lint': { seconds: 20, cpus: 0.6 },
  'system/keepalived-many': { seconds: 28, cpus: 0.3 },
  'system/lab': { seconds: 37, cpus: 0.4 },
  'system/lab-demo': { seconds: 56, cpus: 0.6 },
  'system/lab-matrix': { seconds: 221, cpus: 0.4 },
  'system/lanes': { seconds: 29, cpus: 1, quiet: true },
  'system/logqueue': { seconds: 12, cpus: 0.5 },
  'system/logqueue-rotation': { seconds: 19, cpus: 0.2 },
  'system/metrics': { seconds: 2, cpus: 0.5 },
  'system/nic-collector': { seconds: 5, cpus: 0.5 },
  'system/opentelemetry': { seconds: 25, cpus: 0.5 },
  'system/opentelemetry-hostile': { seconds: 25, cpus: 0.3 },
  'system/paging': { seconds: 163, cpus: 0.3 },
  'system/readers': { seconds: 49, cpus: 1 },
  'system/replay': { seconds: 3, cpus: 0.7 },
  'system/steer': { seconds: 55, cpus: 0.6 },
  'system/status-page': { seconds: 11, cpus: 0.8 },
  'system/unit-file': { seconds: 45, cpus: 0.6 },
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
