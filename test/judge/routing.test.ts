/** R15: BFD with the routers behind a NIC, and BGP sessions over it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Replay } from '../../src/judge/replay.ts';
import type { RoutingFact } from '../../src/model/facts.ts';
import { type Fault, play, say, topology } from './world.ts';

const AT = 10_000;
const TIMES = Array.from({ length: 30 }, (_, i) => i * 1000 + 500);

type Shown = Pick<RoutingFact, 'session'> & { readonly bfd?: 0 | 1 };

/** What daemons show of the first NIC each second, before and after the fault; of the others that all is well. */
function routing(before: Shown, after: Shown | undefined): RoutingFact[] {
  return TIMES.flatMap((t) => {
    const shown = t < AT ? before : after;
    const others = { kind: 'routing', t, measuredAt: t, nic: 1, session: 1, bfd: 1 } as const;
    return shown === undefined ? [others] : [{ kind: 'routing', t, measuredAt: t, nic: 0, ...shown } as const, others];
  });
}

const UP: Shown = { session: 1, bfd: 1 };
const WORLD = topology({ nics: 2, servers: 8, anchors: () => [] });
/** So few that R3 needs anchors. */
const FEW = topology({ nics: 2, servers: 2, anchors: () => [] });
const all = (fault: Fault, world = WORLD) => play(world, fault, 25_000);
const said = (fault: Fault, world = WORLD) => all(fault, world).transitions.map(say);
const unreachable: Fault['cell'] = (i) => (t) => (i === 0 && t >= AT ? 'timeout' : 'ok');

describe('R15', () => {
  it('BFD down under an established session: SUSPECT(bfd), and nothing is done', () => {
    const run = all({ links: routing(UP, { session: 1, bfd: 0 }) });
    assert.deepEqual(run.transitions.map(say), ['SUSPECT(eth0 bfd)']);
    assert.match(run.transitions[0]!.reason, /^BFD with the router behind eth0 is down and a BGP session over it is up/);
    assert.equal(run.transitions[0]!.evidence.rule, 'R15');
    assert.deepEqual(run.actions, []);
    const replay = new Replay();
    const again = [...run.log.flatMap((line) => replay.line(line)), ...replay.end()];
    assert.deepEqual(again.map(say), ['SUSPECT(eth0 bfd)']);
  });

  it('ends when BFD is up again, when the session is down too, and when nobody shows it any more', () => {
    const links = (last: Shown | undefined) => [
      ...routing(UP, { session: 1, bfd: 0 }).filter(({ t }) => t < AT + 4000),
      ...routing(UP, last).filter(({ t }) => t >= AT + 4000),
    ];
    for (const last of [UP, { session: 0, bfd: 0 } as const])
      assert.deepEqual(said({ links: links(last) }), ['SUSPECT(eth0 bfd)', 'OK(eth0)']);
    const silent = play(WORLD, { links: links(undefined) }, 45_000).transitions.map(say);
    assert.deepEqual(silent, ['SUSPECT(eth0 bfd)', 'OK(eth0)']);
  });

  it('a session alone proves nothing: down with good probes is the routing daemon, not the NIC', () => {
    assert.deepEqual(said({ links: routing(UP, { session: 0, bfd: 1 }) }), []);
    assert.deepEqual(said({ links: routing(UP, { session: 0 }) }), []);
  });

  it('a peer that never had BFD is no witness', () => {
    assert.deepEqual(said({ links: routing({ session: 1, bfd: 0 }, { session: 1, bfd: 0 }) }), []);
  });

  it('stands beside the anchors: names link or upstream where there is none, and decides where witnesses are few', () => {
    const fails = (after: Shown, world = WORLD) =>
      said({ cell: unreachable, links: routing(UP, after) }, world).filter((word) => word.startsWith('NIC_FAIL'));
    assert.deepEqual(fails({ session: 0, bfd: 0 }), ['NIC_FAIL(eth0 link)']);
    assert.deepEqual(fails({ session: 1, bfd: 1 }), ['NIC_FAIL(eth0 upstream)']);
    assert.deepEqual(fails({ session: 0, bfd: 0 }, FEW), ['NIC_FAIL(eth0 link)']);
    assert.deepEqual(fails({ session: 1, bfd: 1 }, FEW), []);
    assert.deepEqual(fails({ session: 0 }, FEW), [], 'without BFD nobody can tell');
  });

  it('is in the evidence', () => {
    const run = all({ cell: unreachable, links: routing(UP, { session: 0, bfd: 0 }) });
    const { evidence, reason } = run.transitions.find(({ verdict }) => verdict === 'NIC_FAIL')!;
    assert.deepEqual(
      evidence.anchors.map(({ id, outcome }) => [id, outcome]),
      [['BFD', 'timeout']],
    );
    assert.deepEqual([evidence.numbers['bgp_established'], evidence.numbers['bfd_up']], [0, 0]);
    assert.match(reason, /nor does its anchor \(BFD\)/);
  });
});
