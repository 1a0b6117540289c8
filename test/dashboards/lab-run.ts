/**
 * `npm run lab:panels`: Prometheus on the three agents of the lab of a cluster, in which one server has withdrawn, and every
 * query of the dashboards about the cluster, BGP and BFD. Exit code 1 when one has no data.
 */
import { ClusterLab } from '../../src/lab/cluster/cluster-lab.ts';
import { playCluster } from '../../src/lab/cluster/play.ts';
import { clusterScenarios } from '../../src/lab/cluster/scenarios.ts';
import { stepLine } from '../../src/lab/cluster/tell.ts';
import { Monitoring } from '../../src/lab/monitoring.ts';
import { pageLines } from '../../src/lab/tell.ts';
import { dashboards } from './dashboard.ts';
import { findings } from './panels.ts';

const SUBJECTS = /fourlane_(?:cluster|bgp|bfd)_/;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const lab = await ClusterLab.start({ load: { rate: 5 }, tell: console.log });
let [asked, empty] = [0, [] as string[]];
try {
  const options = { role: 'mgmt', agents: lab.servers.map(({ listen }) => listen), every: 1, groupWait: 3, groupInterval: 5 };
  const monitoring = await Monitoring.start(lab, options);
  const scenario = clusterScenarios.find(({ name }) => name === 'upstream-dies')!;
  const look = {
    what: 'every panel is asked',
    make: async () => {
      for (const [file, dashboard] of dashboards()) {
        const found = await findings(monitoring, dashboard, SUBJECTS);
        asked += found.asked;
        empty = [...empty, ...found.empty.map((query) => `${file}: ${query}`)];
      }
    },
  };
  const steps = () => [...scenario.steps(), look];
  const row = await playCluster(lab, { ...scenario, steps }, (taken) => console.log(stepLine(taken)));
  console.log(pageLines(await monitoring.sent()).join('\n'));
  for (const problem of row.problems) console.log(`PROBLEM   ${problem}`);
} finally {
  lab.close();
}
console.log(`${asked} queries about the cluster, BGP and BFD; without data: ${empty.join(', ') || 'none'}`);
process.exit(asked > 0 && empty.length === 0 ? 0 : 1);
