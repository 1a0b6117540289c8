/**
 * Connection synchronisation of two real kernel LVS, master and backup: what the collector exports of both, and what
 * `fourlane sync compare` makes of it, follow what is lost. The backup is a network namespace of its own, joined by a link.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { compareSync, type SyncComparison, syncView } from '../../../src/cli/sync/compare.ts';
import { run } from '../../../src/lab/netns.ts';
import { until } from '../../system/harness.ts';
import { ipvsadm, makeNetwork, RS, serveBoth, VIP } from './net.ts';
import { peer } from './peer.ts';

const MAIN = import.meta.filename.replace(/test.qemu.guest.*/, `src/cli/main${import.meta.filename.slice(-3)}`);
const IN_BACKUP = ['ip', 'netns', 'exec', 'bak'];
const SERVICE = [`-A -t ${VIP}:80 -s rr`, `-a -t ${VIP}:80 -r ${RS.rs1}:80 -m -w 1`, `-a -t ${VIP}:80 -r ${RS.rs2}:80 -m -w 1`];
const words = (text: string) => text.split(' ');

/** What `fourlane collect ipvs --metrics` prints there. */
function exported(where: readonly string[]): string {
  return run([...where, process.execPath, MAIN, 'collect', 'ipvs', '--metrics', '--set', 'timeout="60s"']);
}

function compared(): SyncComparison {
  const result = compareSync(syncView(exported([])), syncView(exported(IN_BACKUP)));
  assert.ok('ratio' in result, JSON.stringify(result));
  return result;
}

const backup = (command: string) => run([...IN_BACKUP, ...words(command)]);
const daemon = (where: readonly string[], role: 'master' | 'backup', link: string, id: number) =>
  run([...where, 'ipvsadm', '--start-daemon', role, '--mcast-interface', link, '--syncid', String(id)]);

/** Waits for a comparison; the kernel sends what it collects within two seconds. */
function share(what: string, wanted: (seen: SyncComparison) => boolean): Promise<SyncComparison> {
  return until(what, 120_000, async () => {
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
    // Every connection at its second packet.
    run(['sh', '-c', 'echo "1 50" > /proc/sys/net/ipv4/vs/sync_threshold']);
    daemon([], 'master', 'sync0', 5);
    daemon(IN_BACKUP, 'backup', 'sync0', 5);
  });
  after(async () => {
    await peer('cli').tell('release');
    ipvsadm('-C');
  });

  it('a fail-over keeps everything while nothing is lost', async () => {
    assert.deepEqual(compared(), { master: 'here', rows: compared().rows, ratio: 1, problems: [] });
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
    backup('ip link set sync0 up');
    await new Promise((resolve) => setTimeout(resolve, 5000));
    assert.equal(compared().ratio, 0.5);
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
    assert.ok('noPair' in compareSync(syncView(exported([])), syncView(exported(IN_BACKUP))));
  });
});
