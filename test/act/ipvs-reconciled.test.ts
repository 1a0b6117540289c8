import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeIpvs } from '../../src/act/ipvs.ts';
import { keepalivedOwner } from '../../src/act/ipvs/keepalived.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import { Table, VIP, Wanting } from './ipvs-world.ts';
import { planOf, wantedOf } from './world.ts';

const RS = '10.0.1.2:80';

describe('the ipvs actuator under the reconciler', () => {
  const plan = planOf(`nics: [{name: eth2}]
services:
  - {name: web, vip: ${VIP}, realServers: [${RS}, 10.0.1.3:80], actuator: {ipvs: {}}}
`);
  const down = wantedOf(plan, (w) => (w.weight[0]![0] = 0));
  const start = (table: Table, saved?: unknown) => {
    const reports: string[] = [];
    let now = 0;
    const reconciler = new Reconciler({
      actuators: [table.actuator],
      clock: () => now,
      random: () => 0.5,
      onAction: ({ result, drift }) => reports.push(drift ? `${result} drift` : result),
    });
    reconciler.restore(saved);
    reconciler.setPlan(plan);
    const later = (ms: number) => {
      now += ms;
      reconciler.tick();
      return reconciler.idle();
    };
    return { reconciler, reports, later };
  };

  it('remembers the exact weight over a restart', async () => {
    const table = new Table({ [VIP]: { [RS]: 7, '10.0.1.3:80': 2 } });
    const before = start(table);
    before.reconciler.pass(down, []);
    await before.reconciler.idle();
    assert.equal(table.weight(RS), 0);
    const after = start(table, JSON.parse(JSON.stringify(before.reconciler.toJSON())));
    after.reconciler.pass(wantedOf(plan), []);
    await after.reconciler.idle();
    assert.equal(table.weight(RS), 7);
    assert.deepEqual(table.written, [`${RS}=0`, `${RS}=7`]);
  });

  it('finds an overwritten weight at the next look and does it again, as drift', async () => {
    const table = new Table({ [VIP]: { [RS]: 7, '10.0.1.3:80': 2 } });
    const { reconciler, reports, later } = start(table);
    reconciler.pass(down, []);
    await reconciler.idle();
    table.set(RS, 7);
    await later(1000);
    assert.equal(table.weight(RS), 7, 'not looked yet');
    await later(2000);
    assert.equal(table.weight(RS), 0);
    assert.deepEqual(reports, ['ok', 'ok drift']);
  });

  it('leaves what keepalived owns, says it once, and looks again: it acts once keepalived is gone', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    table.owner = 'keepalived manages this service';
    const { reconciler, reports, later } = start(table);
    reconciler.pass(down, []);
    await reconciler.idle();
    for (let n = 0; n < 5; n++) await later(60_000);
    assert.deepEqual([reports, reconciler.pending().length, table.opened, table.weight(RS)], [['unsupported'], 0, 6, 7]);
    table.owner = 'keepalived (another) manages this service';
    await later(60_000);
    assert.deepEqual(reports, ['unsupported', 'unsupported'], 'another reason is reported');
    table.owner = undefined;
    await later(2000);
    assert.deepEqual([reports, table.weight(RS)], [['unsupported', 'unsupported', 'ok'], 0]);
  });

  it('does not wait for the question who owns a service longer than a call may take', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    const hangs = keepalivedOwner(
      () => 0,
      () => new Promise(() => undefined),
    );
    const actuator = makeIpvs({ open: () => table.kernel(), owner: hangs });
    const wanting = new Wanting(Object.assign(table, { actuator }), { timeout: '50ms' });
    const { result, message: said } = await wanting.weight(RS, 0);
    assert.match(`${result} ${said}`, /^failed .*timeout/);
  });
});
