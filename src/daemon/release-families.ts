/** Series of the releases of this server: what it should run, what it runs, and how it fared. */
import type { ReleaseStatus } from '../cluster/agent/status.ts';
import { counter, type Family, family, gauge, type Metric, ONE_ROW } from '../model/family.ts';

const STATE = gauge('cluster_release_state', '1 for the state of the release that this server should run.', ['state']);
const TARGET = gauge('cluster_release_target', 'Number of the release that this server should run.');
const RUNNING = gauge('cluster_release_running', 'Number of the release that runs; 0 = none.');
const MATCHES = gauge('cluster_release_matches', '1 while what runs is what this server should run.');
const ROOT = gauge('cluster_release_info', 'Root of the configuration that this server should run, and of what runs.', [
  'target',
  'running',
]);
const READY = gauge('cluster_member_announced', '1 once this server has announced itself to the others.');
const HELD = gauge('cluster_release_held', '1 while maintenance of this server keeps releases from being applied.');
const REPORTED = gauge('cluster_release_reported', '1 while etcd has what this server reports of its release.');
const PROBLEMS = gauge('cluster_release_problems', 'Reasons for which a release is not applied or not reported.');
const REPAIRS = counter('cluster_repairs_total', 'Times that drift was repaired, by what had drifted.', ['of']);
const POISON = gauge('cluster_poison', 'Configurations that crashed a server and are not tried again.');

/** Every state once: nothing of the cluster is loaded for it. */
const STATES = Object.keys({
  waiting: true,
  prepared: true,
  applying: true,
  applied: true,
  failed: true,
  refused: true,
  held: true,
} satisfies Record<ReleaseStatus['state'], true>);
const STATE_ROWS = STATES.map((state) => [state]);

let roots: readonly (readonly string[])[] = [['', '']];

/** The same object while they are the same. */
function rootRows(target: string, running: string): typeof roots {
  const [row] = roots;
  if (row?.[0] !== target || row[1] !== running) roots = [[target, running]];
  return roots;
}

/** Of a server that does not know yet what it should run. */
export const NO_RELEASE: ReleaseStatus = {
  target: undefined,
  targetRelease: undefined,
  running: undefined,
  runningRelease: undefined,
  lastGood: undefined,
  state: 'waiting',
  work: undefined,
  ring: undefined,
  held: undefined,
  ready: false,
  poison: 0,
  reported: true,
  repairs: { configuration: 0, dataPlane: 0 },
  problems: [],
};

const REPAIR_ROWS = [['configuration'], ['data_plane']];

export function releaseFamilies(status: ReleaseStatus): readonly Family[] {
  const one = (metric: Metric, value: number) => family(metric, ONE_ROW, [value]);
  const { target, running } = status;
  return [
    family(
      STATE,
      STATE_ROWS,
      STATES.map((state) => Number(state === status.state)),
    ),
    one(TARGET, status.targetRelease ?? Number.NaN),
    one(RUNNING, status.runningRelease ?? 0),
    one(MATCHES, target === undefined ? Number.NaN : Number(target === running)),
    family(ROOT, rootRows(target ?? '', running ?? ''), [1]),
    one(READY, Number(status.ready)),
    one(HELD, Number(status.held !== undefined)),
    one(REPORTED, Number(status.reported)),
    one(PROBLEMS, status.problems.length),
    family(REPAIRS, REPAIR_ROWS, [status.repairs.configuration, status.repairs.dataPlane]),
    one(POISON, status.poison),
  ];
}
