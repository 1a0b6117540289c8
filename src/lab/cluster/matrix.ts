/**
 * `npm run lab:cluster [-- --only NAME[,NAME]] [--routers bird|frr|mixed] [--list]`: plays every scenario of the cluster, one
 * after the other in the same lab, and prints a table. Exit code 1 when one was not as expected, 2 for wrong usage.
 */
import { parseArgs } from 'node:util';
import { ROUTERS, type Routers } from '../routers/speaker.ts';
import { columns } from '../tell.ts';
import { ClusterLab } from './cluster-lab.ts';
import { playCluster } from './play.ts';
import type { ClusterRow } from './scenario.ts';
import { clusterScenarios, listOfScenarios } from './scenarios.ts';
import { clusterAccount, stepLine } from './tell.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    routers: { type: 'string', default: 'bird' },
    list: { type: 'boolean' },
  },
});

/** Requests per second of each stream. */
const RATE = 10;

function table(rows: readonly ClusterRow[]): string {
  const seconds = (ms: number | undefined) => (ms === undefined ? '–' : `${(ms / 1000).toFixed(1)} s`);
  return columns([
    ['scenario', 'last step', 'steps', 'failed: untouched', 'failed: touched', 'well again', 'result'],
    ...rows.map((row) => [
      row.scenario,
      seconds(row.taken.at(-1)?.ms),
      `${row.taken.filter(({ ms }) => ms !== undefined).length} of ${row.taken.length}`,
      String(row.othersFailed),
      String(row.touchedFailed),
      seconds(row.recoveryMs),
      row.problems.length === 0 ? 'PASS' : 'FAIL',
    ]),
  ]);
}

async function main(): Promise<number> {
  if (values.list) {
    console.log(listOfScenarios());
    return 0;
  }
  const only = values.only?.split(',');
  const unknown = only?.filter((name) => clusterScenarios.every((scenario) => scenario.name !== name)) ?? [];
  const routers = ROUTERS.find((name) => name === values.routers) as Routers | undefined;
  if (unknown.length > 0 || routers === undefined) {
    console.error(`there is no ${[...unknown, ...(routers === undefined ? [values.routers] : [])].join(', ')}; see --list`);
    return 2;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const lab = await ClusterLab.start({ load: { rate: RATE }, routers, tell: console.log });
  const rows: ClusterRow[] = [];
  try {
    for (const scenario of clusterScenarios.filter(({ name }) => only?.includes(name) ?? true)) {
      console.log(`\n${scenario.name}: ${scenario.title}`);
      const row = await playCluster(lab, scenario, (taken) => console.log(stepLine(taken)));
      console.log(clusterAccount(row));
      rows.push(row);
    }
  } finally {
    lab.close();
  }
  console.log(`\n${table(rows)}`);
  return rows.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

process.exit(await main());
