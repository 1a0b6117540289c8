/**
 * `npm run lab:panels`: Prometheus on the three agents of the lab of a cluster, in which one server has withdrawn: every query of
 * the dashboards about the cluster, BGP and BFD, and who is paged. Exit code 1 when one has no data, or there is another page.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterLab } from '../../src/lab/cluster/cluster-lab.ts';
import { playCluster } from '../../src/lab/cluster/play.ts';
import { clusterScenarios } from '../../src/lab/cluster/scenarios.ts';
import { stepLine } from '../../src/lab/cluster/tell.ts';
import { Monitoring } from '../../src/lab/monitoring.ts';
import { pageLines } from '../../src/lab/tell.ts';
import { dashboards } from './dashboard.ts';
import { findings } from './panels.ts';

/** Longer than any alert about BGP waits. */
const WATCH_MS = 45_000;
const THE_PAGE = 'FourlaneAgentIll';
const SUBJECTS = /fourlane_(?:cluster|bgp|bfd)_/;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const lab = await ClusterLab.start({ load: { rate: 5 }, tell: console.log });
let [asked, empty, pages] = [0, [] as string[], [] as string[]];
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
  const wait = { what: `${WATCH_MS / 1000} s later`, make: () => sleep(WATCH_MS) };
  const steps = () => [...scenario.steps(), look, wait];
  const row = await playCluster(lab, { ...scenario, steps }, (taken) => console.log(stepLine(taken)));
  const sent = await monitoring.sent();
  console.log(pageLines(sent).join('\n'));
  const paged = sent.filter(({ to, status }) => to === 'page' && status === 'firing').flatMap(({ alerts }) => alerts);
  pages = [...new Set(paged.map(({ labels }) => `${labels['alertname']} ${labels['server']}`))];
  for (const problem of row.problems) console.log(`PROBLEM   ${problem}`);
} finally {
  lab.close();
}
console.log(`pages: ${pages.join(', ') || 'none'}`);
console.log(`${asked} queries about the cluster, BGP and BFD; without data: ${empty.join(', ') || 'none'}`);
process.exit(asked > 0 && empty.length === 0 && pages.join() === `${THE_PAGE} lb-03` ? 0 : 1);
