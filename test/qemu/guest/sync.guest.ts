/**
 * Connection synchronisation of two real kernel LVS, master and backup: what the collector exports of both, and what
 * `fourlane sync compare` makes of it, follow what is lost. The backup is a network namespace of its own, joined by a link.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpvsData } from '../../../src/collect/ipvs/merge.ts';
import {
  compareSync,
  rowsOf,
  type SyncComparison,
  type SyncRow,
  type SyncView,
  viewOfReading,
} from '../../../src/collect/sync/compare.ts';
import { run } from '../../../src/lab/netns.ts';
import { until } from '../../system/harness.ts';
import { readingOf } from './lvs-texts.ts';
import { ipvsadm, makeNetwork, RS, serveBoth, VIP } from './net.ts';
import { peer } from './peer.ts';

const IN_BACKUP = ['ip', 'netns', 'exec', 'bak'];
const SERVICE = [`-A -t ${VIP}:80 -s rr`, `-a -t ${VIP}:80 -r ${RS.rs1}:80 -m -w 1`, `-a -t ${VIP}:80 -r ${RS.rs2}:80 -m -w 1`];
const words = (text: string) => text.split(' ');

/** What an agent there reads. */
function viewOf(where: readonly string[]): SyncView {
  const print = (...argv: readonly string[]) => run([...where, ...argv]);
  const [table, udp] = [print('cat', '/proc/net/ip_vs'), print('cat', '/proc/net/udp')];
  return viewOfReading(readingOf({ table, udp, daemons: print('ipvsadm', '-Ln', '--daemon') }));
}

type Seen = SyncComparison & { readonly rows: readonly SyncRow[] };

function compared(): Seen {
  const [master, known] = [viewOf([]), viewOf(IN_BACKUP)];
  const result = compareSync(master, known);
  assert.ok('ratio' in result, JSON.stringify(result));
  return { ...result, rows: rowsOf(master, known) };
}

const backup = (command: string) => run([...IN_BACKUP, ...words(command)]);
const daemon = (where: readonly string[], role: 'master' | 'backup', link: string, id: number) =>
  run([...where, 'ipvsadm', '--start-daemon', role, '--mcast-interface', link, '--syncid', String(id)]);

/** Waits for a comparison; the kernel sends what it collects within two seconds. */
function share(what: string, wanted: (seen: Seen) => boolean): Promise<Seen> {
  return until(what, 30_000, async () => {
    const seen = compared();
    if (wanted(seen)) return seen;
    throw new Error(JSON.stringify(seen));
  });
}

describe('synchronisation of two kernels', () => {
  before(async () => {
    makeNetwork();
    await serveBoth();
    run(words('ip netns add bak'));
    run(words('ip link add sync0 type veth peer name sync0 netns bak'));
    run(words('ip addr add 10.7.0.1/24 dev sync0'));
    run(words('ip link set sync0 up'));
    backup('ip addr add 10.7.0.2/24 dev sync0');
    backup('ip link set sync0 up');
    backup('ip link set lo up');
    ipvsadm('-R', `${SERVICE.join('\n')}\n`);
    run([...IN_BACKUP, 'ipvsadm', '-R'], `${SERVICE.join('\n')}\n`);
    daemon([], 'master', 'sync0', 5);
    daemon(IN_BACKUP, 'backup', 'sync0', 5);
  });
  after(async () => {
    await peer('cli').tell('release');
    ipvsadm('-C');
  });

  it('a fail-over keeps everything while nothing is lost', async () => {
    const { master, connections, sameConfiguration, problems } = compared();
    assert.deepEqual(
      { master, connections, sameConfiguration, problems },
      {
        master: 'here',
        connections: 0,
        sameConfiguration: true,
        problems: [],
      },
    );
    await peer('cli').tell('hold', VIP, 40);
    const { rows } = await share('all of it is known', ({ ratio, rows: [first] }) => ratio === 1 && first!.master === 20);
    assert.deepEqual(
      rows.map(({ realServer, master, backup: known }) => [realServer, master, known]),
      [
        [`${RS.rs1}:80`, 20, 20],
        [`${RS.rs2}:80`, 20, 20],
      ],
    );
  });

  it('what is made while the link is down is missing, and stays so: there is no full synchronisation', async () => {
    backup('ip link set sync0 down');
    await peer('cli').tell('hold', VIP, 40);
    await share('half is known', ({ ratio, rows: [first] }) => ratio === 0.5 && first!.master === 40);
    // What the master has collected waits two seconds at most; then it is sent into the void.
    await sleep(3000);
    backup('ip link set sync0 up');
    await sleep(5000);
    assert.equal(compared().ratio, 0.5);
    // The collector as it is, there.
    const main = import.meta.filename.replace(/test.qemu.guest.*/, `src/cli/main${import.meta.filename.slice(-3)}`);
    const collect = [process.execPath, main, 'collect', 'ipvs', '--json', '--set', 'timeout="60s"'];
    assert.deepEqual(viewOfReading(JSON.parse(run([...IN_BACKUP, ...collect])) as IpvsData), viewOf(IN_BACKUP));
  });

  it('a syncid that differs, and a service that the backup does not have, are named', async () => {
    backup('ipvsadm --stop-daemon backup');
    daemon(IN_BACKUP, 'backup', 'sync0', 7);
    await peer('cli').tell('hold', VIP, 40);
    const seen = await share('a third is known', ({ ratio }) => Math.abs(ratio - 1 / 3) < 0.01);
    assert.match(seen.problems.join('; '), /master sends with syncid 5, the backup takes 7/);
    backup('ipvsadm -C');
    assert.match(compared().problems.join('; '), /the backup does not have 192\.0\.2\.10:80\/tcp 10\.1\.0\.11:80/);
    backup('ipvsadm --stop-daemon backup');
    assert.ok('noPair' in compareSync(viewOf([]), viewOf(IN_BACKUP)));
  });
});
