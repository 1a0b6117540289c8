/**
 * `npm run sim:fleet [-- --servers 10,100,1000]`: so many servers on one real etcd, and what a rack that dies for all of them
 * costs. Exit code 1 when a server did not learn of it, 2 for wrong usage.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EtcdCluster } from './cluster.ts';
import { type Simulated, simulate } from './fleet-sim.ts';
import { isInside } from './inside.ts';

const MOST = 5000;
const COLUMNS = [
  'servers',
  'settled, s',
  'quiet: writes/s',
  'deliveries/s',
  'etcd, ms/s',
  'servers, ms/s',
  'fault: writes',
  'deliveries',
  'etcd, ms',
  'servers, ms',
  'known p50, ms',
  'p99',
  'worst',
  'etcd, MB',
  'servers, MB',
];

/** The numbers of servers that are asked for, or what is wrong. */
function counts(argv: readonly string[]): readonly number[] | string {
  try {
    const { values } = parseArgs({ args: [...argv], options: { servers: { type: 'string', default: '10,100,1000' } } });
    const numbers = values.servers.split(',').map(Number);
    const wrong = numbers.find((n) => !Number.isInteger(n) || n < 1 || n > MOST);
    return wrong === undefined ? numbers : `--servers ${values.servers}: write numbers from 1 to ${MOST}, such as 10,100`;
  } catch (error) {
    return (error as Error).message;
  }
}

function rowOf({ servers, settledS, quiet, fault, known, etcdMb, serversMb }: Simulated): string {
  const inQuiet = [quiet.writes.toFixed(1), ...[quiet.deliveries, quiet.etcdMs, quiet.serversMs].map((n) => n.toFixed(0))];
  const inFault = [fault.writes, fault.deliveries, fault.etcdMs, fault.serversMs].map((n) => n.toFixed(0));
  const rest = [known.p50, known.p99, known.worst, etcdMb, serversMb].map((n) => n.toFixed(0));
  return `| ${[servers, settledS.toFixed(1), ...inQuiet, ...inFault, ...rest].join(' | ')} |`;
}

async function main(numbers: readonly number[]): Promise<number> {
  const rows: string[] = [];
  let never = 0;
  for (const count of numbers) {
    const etcd = await EtcdCluster.start({ dir: join(mkdtempSync(join(tmpdir(), 'fourlane-sim-')), 'etcd') });
    const simulated = await simulate(etcd, count, (line) => console.error(line));
    await etcd.stop();
    never += simulated.known.never;
    rows.push(rowOf(simulated));
    if (simulated.known.never > 0) console.log(`${simulated.known.never} of ${count} did not know it within a minute`);
  }
  console.log([`| ${COLUMNS.join(' | ')} |`, `|${COLUMNS.map(() => '---|').join('')}`, ...rows].join('\n'));
  return never === 0 ? 0 : 1;
}

const numbers = counts(process.argv.slice(2));
if (typeof numbers === 'string') {
  console.error(numbers);
  process.exitCode = 2;
} else if (isInside()) process.exit(await main(numbers));
