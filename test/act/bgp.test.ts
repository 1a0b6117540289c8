/** The actuator bgp: what it shuts, what it opens again, and what it leaves alone. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { drainServer, restoreServer } from '../../src/act/bgp/drain.ts';
import { ledgerFiles } from '../../src/act/bgp/spec.ts';
import { BgpWorld, peerOfNic } from './bgp-world.ts';

const [ETH2, ETH3, ETH4, ETH5] = ['eth2', 'eth3', 'eth4', 'eth5'].map(peerOfNic) as [string, string, string, string];

let world: BgpWorld;
/** In a suite and not for the whole file: all unit tests share a process, and the hooks of a file run at each of them. */
function withWorld(): void {
  beforeEach(() => {
    world = new BgpWorld();
  });
  afterEach(() => world.close());
}

const drain = (gracefulMs = 0) => drainServer({ plan: world.plan, gracefulMs, open: () => [world.router], say: () => undefined });
const restore = async () => {
  const said: string[] = [];
  await restoreServer({ plan: world.plan, open: () => [world.router], say: (line) => said.push(line) });
  return said;
};

describe('actuator bgp', () => {
  withWorld();

  it('shuts the sessions of a NIC with a text of its own, and opens them when the NIC is well', async () => {
    assert.deepEqual(await world.call('eth2', 'failed'), { result: 'done', differs: false });
    assert.deepEqual(world.router.shutPeers, [ETH2]);
    assert.equal(world.router.all.get(ETH2)!.text, 'fourlane lb-01: eth2 NIC_FAIL link');
    assert.equal((await world.call('eth2', 'failed')).result, 'unchanged');
    assert.equal((await world.call('eth2', 'ok')).result, 'done');
    assert.deepEqual([world.router.shutPeers, await world.recorded()], [[], []]);
  });

  it('asks no daemon while nothing is shut', async () => {
    assert.deepEqual(await world.call('eth2', 'ok'), { result: 'unchanged' });
    assert.equal(world.router.asked, 0);
  });

  it('never opens what somebody else has shut, before or after', async () => {
    await world.router.shut({ peer: ETH2 }, 'maintenance 4711');
    const found = await world.call('eth2', 'failed');
    assert.deepEqual(found, {
      result: 'unchanged',
      differs: false,
      message: `${ETH2} is shut by somebody else: left alone`,
    });
    await world.call('eth2', 'ok');
    assert.deepEqual(world.router.shutPeers, [ETH2]);

    await world.call('eth3', 'failed');
    await world.router.shut({ peer: ETH3 }, 'maintenance 4712');
    const { message } = await world.call('eth3', 'ok');
    assert.equal(message, `${ETH3} stays shut: somebody else has shut it since`);
    assert.deepEqual([world.router.shutPeers, await world.recorded()], [[ETH2, ETH3], []]);
  });

  it('leaves a session alone that bears its text and is in no ledger; restore opens it', async () => {
    await world.router.shut({ peer: ETH2 }, 'fourlane lb-01: eth2 NIC_FAIL link');
    await world.call('eth2', 'ok');
    assert.deepEqual(world.router.shutPeers, [ETH2]);
    assert.deepEqual(await restore(), [`${ETH2}: opened`]);
    assert.deepEqual(world.router.shutPeers, []);
  });

  it('keeps the last uplink, and half of the NICs', async () => {
    for (const peer of [ETH3, ETH4, ETH5]) world.router.all.set(peer, { ...world.router.all.get(peer)!, established: false });
    assert.deepEqual(await world.call('eth2', 'failed'), {
      result: 'unsupported',
      message: 'eth2 has the last uplink: no session over another NIC is established',
      mayPass: true,
    });
    world.router.restart();
    for (const nic of ['eth2', 'eth3']) assert.equal((await world.call(nic, 'failed')).result, 'done');
    const { result, message } = await world.call('eth4', 'failed');
    assert.deepEqual([result, message], ['unsupported', 'eth2, eth3 of 4 NICs are shut; at most half, which is 2']);
    assert.deepEqual(world.router.shutPeers, [ETH2, ETH3]);
  });

  it('is done again after the daemon has been started again, and that is drift', async () => {
    await world.call('eth2', 'failed');
    world.router.restart();
    assert.deepEqual(await world.call('eth2', 'failed'), { result: 'done', differs: true });
    assert.deepEqual(world.router.shutPeers, [ETH2]);
  });

  it('is done again before the sessions of a daemon that has just begun are up', async () => {
    await world.call('eth2', 'failed');
    world.router.restart();
    for (const [peer, session] of world.router.all) world.router.all.set(peer, { ...session, established: false });
    assert.deepEqual(await world.call('eth2', 'failed'), { result: 'done', differs: true });
    assert.equal((await world.call('eth3', 'failed')).result, 'unsupported');
  });

  it('stays its own while a daemon that has just begun has no sessions at all', async () => {
    await world.call('eth2', 'failed');
    world.router.restart();
    const all = [...world.router.all];
    world.router.all.clear();
    assert.equal((await world.call('eth2', 'failed')).result, 'unsupported');
    for (const [peer, session] of all) world.router.all.set(peer, { ...session, established: false });
    assert.deepEqual(await world.call('eth2', 'failed'), { result: 'done', differs: true });
  });

  it('reports a daemon that is not there, does not obey, or has no such session', async () => {
    world.router.isThere = false;
    await assert.rejects(world.call('eth2', 'failed'), /^Error: no routing daemon: there is no \/run\/frr\/bgpd\.vty$/);
    world.router.isThere = true;
    world.router.shut = () => Promise.resolve();
    await assert.rejects(world.call('eth2', 'failed'), new RegExp(`^Error: ${ETH2}: not shut after the command$`));
    world.router.all.delete(ETH3);
    const { result, message } = await world.call('eth3', 'failed');
    assert.deepEqual([result, message], ['unsupported', `no daemon has a session with ${ETH3}`]);
  });

  it('of an agent that died at any step: the next one puts it right, whatever it wants', async () => {
    for (const failed of [[], ['eth2']]) {
      for (let steps = 0; steps <= 2; steps++) {
        world.close();
        world = new BgpWorld();
        world.router.dieAfter = steps;
        await world.call('eth2', 'failed').catch(() => undefined);
        if (steps === 2) await world.call('eth2', 'ok').catch(() => undefined);
        world.router.dieAfter = Infinity;
        await world.agent(world.plan, failed);
        const wanted = failed.map(peerOfNic);
        assert.deepEqual([world.router.shutPeers, await world.recorded()], [wanted, wanted], `${failed.join()} ${steps}`);
      }
    }
  });

  it('is undone when the configuration has it no longer', async () => {
    await world.call('eth2', 'failed');
    await world.agent(world.planFor(['eth3']), []);
    assert.deepEqual([world.router.shutPeers, await world.recorded()], [[], []]);
  });

  it('a damaged ledger stops everything, and restore works all the same', async () => {
    await world.call('eth2', 'failed');
    writeFileSync(ledgerFiles(world.plan).ledger, '{');
    await assert.rejects(world.call('eth2', 'ok'), /is damaged: remove it/);
    const [damaged, opened] = await restore();
    assert.match(damaged!, /is damaged: remove it/);
    assert.equal(opened, `${ETH2}: opened`);
  });
});

describe('fourlane bgp drain', () => {
  withWorld();

  it('asks routers for other ways first, shuts every session, and is not undone by a NIC that is well', async () => {
    await world.call('eth2', 'failed');
    await drain(1);
    assert.deepEqual(world.router.shutPeers, [ETH2, ETH3, ETH4, ETH5]);
    assert.equal(
      world.router.done.findIndex((what) => what === 'graceful true') < world.router.done.indexOf(`shut ${ETH3}`),
      true,
    );
    await world.call('eth2', 'ok');
    assert.deepEqual(world.router.shutPeers, [ETH2, ETH3, ETH4, ETH5]);
    await restore();
    assert.deepEqual([world.router.shutPeers, await world.recorded()], [[], []]);
    assert.ok(world.router.done.includes('graceful false'));
  });

  it('gives routers their time although an agent looks at the sessions meanwhile', async () => {
    await world.call('eth2', 'failed');
    let shutWhileWaiting: readonly string[] | undefined;
    const graceful = world.router.graceful.bind(world.router);
    world.router.graceful = async (on) => {
      if (on) {
        await world.agent(world.plan, []);
        shutWhileWaiting = world.router.shutPeers;
      }
      return graceful(on);
    };
    await drain(1);
    assert.deepEqual(shutWhileWaiting, [], 'the NIC that is well got its session back');
    assert.deepEqual(world.router.shutPeers, [ETH2, ETH3, ETH4, ETH5]);
    await restore();
    assert.deepEqual([world.router.shutPeers, await world.recorded()], [[], []]);
  });

  it('holds after the daemon has been started again, by the agent', async () => {
    await drain();
    world.router.restart();
    await world.agent(world.plan, []);
    assert.deepEqual(world.router.shutPeers, [ETH2, ETH3, ETH4, ETH5]);
    assert.equal(world.router.all.get(ETH2)!.text, 'fourlane lb-01: drained');
  });

  it('leaves alone what the operator has shut, also when it is restored', async () => {
    await world.router.shut({ peer: ETH2 }, 'maintenance');
    await drain();
    assert.deepEqual(
      await restore(),
      [ETH3, ETH4, ETH5].map((peer) => `${peer}: opened`),
    );
    assert.deepEqual(world.router.shutPeers, [ETH2]);
  });

  it('that dies at any step is lifted by restore', async () => {
    for (let steps = 0; steps <= 4; steps++) {
      world.router.dieAfter = steps;
      await drain().catch(() => undefined);
      world.router.dieAfter = Infinity;
      await restore();
      assert.deepEqual([world.router.shutPeers, await world.recorded()], [[], []], `after ${steps} steps`);
    }
  });
});
