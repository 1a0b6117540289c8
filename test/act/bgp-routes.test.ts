/** The actuator bgp with `by: kernelRoute`: which routes it takes away, puts back, and leaves alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Outcome } from '../../src/act/actuator.ts';
import { restoreServer } from '../../src/act/bgp/drain.ts';
import { Ledger } from '../../src/act/bgp/ledger.ts';
import { ledgerFiles, withUplinks } from '../../src/act/bgp/spec.ts';
import type { Plan } from '../../src/model/plan.ts';
import { parseRoutes, routeWords, type KernelRoute } from '../../src/sys/kernel-routes.ts';
import { BgpWorld, peerOfNic } from './bgp-world.ts';
import { effectOf, planOf, UNTOUCHED } from './world.ts';

const NICS = ['eth2', 'eth3'];
const [ETH2, ETH3] = ['10.0.0.0/29', '10.0.0.8/29'] as const;
const routeTo = (prefix: string): KernelRoute => ({ prefix, type: 'unicast', device: 'lo', protocol: '201' });

let world: BgpWorld;
let plan: Plan;
function begin(): void {
  world = new BgpWorld();
  const by = { bgp: { by: 'kernelRoute' } };
  const nics = NICS.map((name) => ({ name, onFail: [by] }));
  const uplinks = NICS.map((nic) => ({ nic, peer: peerOfNic(nic) }));
  const snat = { pool: '10.0.0.0/24', servers: 16, cores: 16, server: 0, groups: { eth2: 0, eth3: 1 } };
  plan = planOf(JSON.stringify({ stateDir: world.dir, nics, bgp: { uplinks }, snat }));
  for (const prefix of [ETH2, ETH3]) world.kernel.routes.set(prefix, routeTo(prefix));
}

async function call(nic: string, state: 'failed' | 'ok'): Promise<Outcome> {
  const spec = withUplinks(plan, nic, plan.nics.find(({ name }) => name === nic)!.onFail[0]!);
  const [outcome] = (await world.actuator.perform(spec, [effectOf({ spec, nic, state })], {
    announce: false,
    notes: [UNTOUCHED],
  })) as readonly [Outcome];
  return outcome;
}

const present = () => [...world.kernel.routes.keys()].toSorted();
const recorded = async () =>
  [...(await Ledger.read(ledgerFiles(plan).ledger)).records.values()].flatMap(({ routes }) => routes ?? []);
const restore = async () => {
  const said: string[] = [];
  const { router, kernel } = world;
  await restoreServer({ plan, open: () => [router], kernel, say: (line) => said.push(line) });
  return said;
};

describe('actuator bgp by kernelRoute', () => {
  beforeEach(begin);
  afterEach(() => world.close());

  it("takes the route of the NIC's group away, and puts it back as it was; no daemon is asked", async () => {
    assert.deepEqual(await call('eth2', 'failed'), { result: 'done', differs: false });
    assert.deepEqual([present(), await recorded()], [[ETH3], [routeTo(ETH2)]]);
    assert.equal((await call('eth2', 'failed')).result, 'unchanged');
    assert.equal((await call('eth2', 'ok')).result, 'done');
    assert.deepEqual([world.kernel.routes.get(ETH2), await recorded()], [routeTo(ETH2), []]);
    assert.equal(world.router.asked, 0);
  });

  it('takes it away again when somebody has put it back: drift', async () => {
    await call('eth2', 'failed');
    world.kernel.routes.set(ETH2, routeTo(ETH2));
    assert.deepEqual(await call('eth2', 'failed'), { result: 'done', differs: true });
    assert.deepEqual(present(), [ETH3]);
  });

  it('what somebody else has taken away is not put back, and what he has put instead stays', async () => {
    world.kernel.routes.delete(ETH2);
    assert.match((await call('eth2', 'failed')).message!, /the kernel has no route to 10\.0\.0\.0\/29: nothing to withdraw/);
    await call('eth2', 'ok');
    assert.deepEqual(present(), [ETH3]);
    world.kernel.routes.set(ETH2, routeTo(ETH2));
    await call('eth2', 'failed');
    const other = { ...routeTo(ETH2), type: 'blackhole', protocol: 'static' } as const;
    world.kernel.routes.set(ETH2, other);
    assert.equal((await call('eth2', 'ok')).result, 'unchanged');
    assert.deepEqual(world.kernel.routes.get(ETH2), other);
  });

  it('never the last route, and at most half of the NICs', async () => {
    await call('eth2', 'failed');
    assert.deepEqual(await call('eth3', 'failed'), {
      result: 'unsupported',
      mayPass: true,
      message: 'eth3 has the last route: no prefix of another NIC is announced',
    });
    assert.deepEqual(present(), [ETH3]);
    world.kernel.routes.set(ETH2, routeTo(ETH2));
    assert.match((await call('eth3', 'failed')).message!, /eth3 has the last route/);
  });

  it('an agent that dies in between leaves a ledger that the next one, or restore, goes by', async () => {
    world.kernel.dieAfter = 0;
    await assert.rejects(call('eth2', 'failed'), /dead/);
    assert.deepEqual([present(), await recorded()], [[ETH2, ETH3], [routeTo(ETH2)]]);
    world.kernel.dieAfter = Infinity;
    assert.equal((await call('eth2', 'ok')).result, 'unchanged');
    assert.deepEqual(await recorded(), []);
    await call('eth2', 'failed');
    world.kernel.dieAfter = 0;
    await assert.rejects(call('eth2', 'ok'), /dead/);
    world.kernel.dieAfter = Infinity;
    world.kernel.dieAfter = 0;
    await assert.rejects(restore(), /dead/);
    assert.deepEqual(await recorded(), [routeTo(ETH2)], 'what could not be put back is not forgotten');
    world.kernel.dieAfter = Infinity;
    assert.deepEqual(await restore(), [`${ETH2}: route put back`]);
    assert.deepEqual([present(), await recorded()], [[ETH2, ETH3], []]);
    assert.equal(world.router.asked, 0);
  });
});

describe('routes as ip(8) shows them', () => {
  it('of the kinds that can be put back, with the words that do it', () => {
    const list = [
      { type: 'unicast', dst: ETH2, dev: 'lo', protocol: '201', scope: 'link', flags: [] },
      { type: 'blackhole', dst: ETH2, protocol: 'static', scope: 'global', flags: [] },
      { type: 'unicast', dst: ETH2, gateway: '192.0.2.1', dev: 'eth0', protocol: 'boot', scope: 'global', metric: 7, flags: [] },
    ];
    assert.deepEqual(
      parseRoutes(ETH2, JSON.stringify(list)).map((route) => routeWords(route).join(' ')),
      [
        '10.0.0.0/29 dev lo proto 201',
        'blackhole 10.0.0.0/29 proto static',
        '10.0.0.0/29 via 192.0.2.1 dev eth0 proto boot metric 7',
      ],
    );
    assert.deepEqual(parseRoutes(ETH2, ''), []);
    const several = [{ type: 'unicast', dst: ETH2, protocol: 'static', nexthops: [{}, {}], flags: [] }];
    assert.throws(() => parseRoutes(ETH2, JSON.stringify(several)), /of a kind that fourlane does not put back/);
    assert.throws(() => parseRoutes(ETH2, JSON.stringify([{ ...list[0], type: 'local' }])), /does not put back/);
  });
});
