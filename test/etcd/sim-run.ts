/** `npm run sim:fleet [-- 10 100 1000]`: so many servers on one real etcd, and what a rack that dies for all of them costs. */
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RootLists } from '../../src/cluster/evidence/lists.ts';
import { EtcdCluster } from './cluster.ts';
import { simulate } from './fleet-sim.ts';
import { isInside } from './inside.ts';

const REAL_SERVERS = 60_000;

if (isInside()) {
  const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10, 100, 1000];
  const lists = new RootLists();
  const root = createHash('sha256').update('the release').digest('hex');
  const addresses = Array.from({ length: REAL_SERVERS }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:80`);
  lists.keep(root, addresses.sort().join('\n'));
  const columns = [
    'servers',
    'joined, s',
    'quiet: writes/s',
    'deliveries/s',
    'etcd, ms/s',
    'fault: writes',
    'deliveries',
    'etcd, ms',
    'servers, ms',
    'known p50, ms',
    'p99',
    'worst',
  ];
  console.log(`| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}`);
  let never = 0;
  for (const count of counts) {
    const etcd = await EtcdCluster.start({ dir: join(mkdtempSync(join(tmpdir(), 'fourlane-sim-')), 'etcd') });
    const { joinedS, quiet, fault, known } = await simulate(etcd, count, root, lists);
    await etcd.stop();
    never += known.never;
    const inQuiet = [quiet.writes.toFixed(1), quiet.deliveries.toFixed(0), quiet.etcdMs.toFixed(0)];
    const inFault = [fault.writes, fault.deliveries, fault.etcdMs, fault.serversMs].map((n) => n.toFixed(0));
    const times = [known.p50, known.p99, known.worst].map((ms) => ms.toFixed(0));
    const cells = [count, joinedS.toFixed(1), ...inQuiet, ...inFault, ...times];
    console.log(`| ${cells.join(' | ')} |`);
    if (known.never > 0) console.log(`${known.never} of ${count} did not know it within a minute`);
  }
  process.exit(never === 0 ? 0 : 1);
}
