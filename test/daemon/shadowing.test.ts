/** Shadow mode over a plan, the judge's state and tables of kernel LVS as they are read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTable } from '../../src/collect/ipvs/proc.ts';
import { loadPlan } from '../../src/config/load.ts';
import { Moments } from '../../src/daemon/moments.ts';
import { Shadowing, type ShadowingParts } from '../../src/daemon/shadowing.ts';
import { parseCheckerNotice } from '../../src/keepalived/state/notify.ts';
import type { Verdict } from '../../src/model/verdict.ts';

const CONFIG = JSON.stringify({
  nics: [{ name: 'eth2' }, { name: 'eth3' }],
  services: [
    {
      name: 'web',
      vip: '192.0.2.10:80/tcp',
      realServers: ['10.0.0.1:80', '10.0.0.2:80', { address: '10.0.0.3:80', weight: 0 }],
      actuator: 'shadow',
    },
    { name: 'mark', vip: 'fwmark:7', realServers: ['10.0.0.1:80'], actuator: 'shadow' },
    { name: 'other', vip: '192.0.2.11:80/tcp', realServers: ['10.0.0.1:80'] },
  ],
});
/** 192.0.2.10:80 with these weights of 10.0.0.1 and .2; not there when left out. */
const table = (first?: number, second?: number) =>
  parseTable(
    [
      'IP Virtual Server version 1.2.1 (size=4096)',
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port Forward Weight ActiveConn InActConn',
      'TCP  C000020A:0050 rr ',
      ...(first === undefined ? [] : [`  -> 0A000001:0050      Masq    ${first}      0          0`]),
      ...(second === undefined ? [] : [`  -> 0A000002:0050      Masq    ${second}      0          0`]),
      'TCP  C000020B:0050 rr ',
      '',
    ].join('\n'),
  );

function stage() {
  const plan = loadPlan(CONFIG, 'f', { hostname: 'lb' });
  const world = { now: 0, table: table(1, 1) as ReturnType<typeof table> | undefined, verdicts: [] as Verdict[] };
  const weight = [[1, 1, 1], [1], [1]];
  const logged: string[] = [];
  const parts = {
    clock: () => world.now,
    log: { info: (_: object, message: string) => logged.push(message) },
    plan: () => plan,
    loop: { state: { wanted: { weight } }, verdicts: () => world.verdicts },
    table: async () => world.table,
  } as unknown as ShadowingParts;
  const shadowing = new Shadowing(parts);
  const look = async (seconds: number) => {
    world.now += 1000 * seconds;
    await shadowing.look();
    const { compared, agreeing } = shadowing.report()!;
    return [compared, agreeing];
  };
  return { plan, world, weight, logged, shadowing, look };
}

test('services in shadow mode that kernel LVS has are compared, by weight', async () => {
  const { world, weight, logged, shadowing, look } = stage();
  try {
    assert.deepEqual(await look(1), [2, 2], 'neither the mark, which is not there, nor what has no weight, nor other services');
    world.table = table(0, 1);
    world.verdicts = [{ subject: 'nic', nic: 'eth3', verdict: 'NIC_FAIL', cause: 'link' } as Verdict];
    assert.deepEqual(await look(1), [2, 1]);
    world.table = table(1, 1);
    assert.deepEqual(await look(2), [2, 2]);
    assert.deepEqual(logged, ['shadow: 10.0.0.1:80 of web taken out by keepalived alone, for 2.0 s']);
    assert.match(shadowing.report()!.report, /1 removal by keepalived alone: of NIC_FAIL\(link\) eth3, .* limited to eth3;/);
    weight[0]![1] = 0;
    await look(1);
    world.table = table(1);
    await look(3);
    assert.equal(logged[1], 'shadow: 10.0.0.2:80 of web taken out by both, by fourlane 3.0 s earlier');
  } finally {
    await shadowing.stop();
  }
});

test('moments: of the judge by service and target, of keepalived by its lines, each only while it is still wanted', () => {
  const moments = new Moments();
  const web = { service: 'web', target: '10.0.0.1:80', vip: '192.0.2.10:80/tcp', realServer: '10.0.0.1:80' };
  moments.decided([{ action: 'set_real_server', service: 'web', rs: '10.0.0.1:80', weight: 0 }], 100);
  const tell = (line: string, now: number) => moments.notified(parseCheckerNotice(line)!, now);
  tell('RS [10.0.0.1]:tcp:80 [192.0.2.10]:tcp:80 DOWN', 250);
  const out = { fourlane: false, keepalived: false };
  assert.deepEqual(moments.of(web, out), { fourlane: 100, keepalived: 250 });
  assert.deepEqual(moments.of(web, { fourlane: true, keepalived: false }), { keepalived: 250 });
  assert.deepEqual(moments.of({ ...web, service: 'other', vip: 'fwmark:7' }, out), {});
  tell('RS [10.0.0.1]:tcp:80 FWM 7 DOWN', 300);
  assert.deepEqual(moments.of({ ...web, vip: 'fwmark:7' }, out), { fourlane: 100, keepalived: 300 });
  // Of a group the name alone is written: it holds for each of its services.
  tell('RS [fd00::1]:tcp:80 [many]:0 DOWN', 400);
  assert.deepEqual(moments.of({ ...web, target: 'x', realServer: '[fd00::1]:80' }, out), { keepalived: 400 });
  for (const line of ['VS [192.0.2.10]:tcp:80 UP', 'RS 10.0.0.1 UP', 'INSTANCE "a" MASTER 1'])
    assert.equal(parseCheckerNotice(line), undefined, line);
});

test('what can not be read is said, and no change is made up of it', async () => {
  const { world, logged, shadowing, look } = stage();
  try {
    await look(1);
    world.table = undefined;
    assert.deepEqual(await look(1), [0, 0]);
    assert.match(shadowing.report()!.report, /nothing is compared now: the kernel module ip_vs is not loaded/);
    world.table = table(0, 0);
    assert.deepEqual(await look(1), [2, 0]);
    assert.deepEqual(logged, []);
  } finally {
    await shadowing.stop();
  }
});

test('the wall clock of a report is the one of its beginning; without a service in shadow mode there is none', async () => {
  const { plan, shadowing, look } = stage();
  try {
    await look(1);
    assert.match(
      shadowing.report()!.report,
      /^Shadow of keepalived since \d{4}-\d\d-\d\dT[\d:.]+Z: 2 real servers compared, all agree\./,
    );
    Object.assign(plan, { services: [] });
    await shadowing.look();
    assert.equal(shadowing.report(), undefined);
    assert.deepEqual(shadowing.families(), []);
  } finally {
    await shadowing.stop();
  }
});
