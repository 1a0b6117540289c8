import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { planEffects, weightFor } from '../../src/act/effects.ts';
import { valueOf } from '../../src/act/value.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { type Mutable, nameOf, PLAN, planOf, verdictOf, wantedOf } from './world.ts';

const effects = (change?: (w: Mutable) => void, verdicts: Verdict[] = []) => [
  ...planEffects(PLAN).wanted(wantedOf(PLAN, change), verdicts).values(),
];
const names = (change?: (w: Mutable) => void) => effects(change).map(nameOf);
const AT_REST = ['nic eth2 ok', 'nic eth3 ok', 'slice web eth2 enabled', 'slice web eth3 enabled'];

describe('wanted effects', () => {
  it('are NICs and slices when nothing is wrong; none for a service that only observes', () => {
    assert.deepEqual(names(), AT_REST);
  });

  it('of a disabled NIC: its actions, and its slice of each service', () => {
    assert.deepEqual(
      names((w) => w.nicEnabled.fill(0, 0, 1)),
      ['nic eth2 failed', 'nic eth3 ok', 'slice web eth2 disabled', 'slice web eth3 enabled'],
    );
  });

  it('of a real server taken out: weight 0, in this service', () => {
    const added = names((w) => {
      w.weight[0]![1] = 0;
      w.weight[1]![0] = 0;
    });
    assert.deepEqual(added, [...AT_REST, 'realServer web 10.1.0.2:80 disabled 0']);
  });

  it('of a path: the real server in one slice', () => {
    const added = names((w) => w.path[0]!.fill(0, 3 + 2, 3 + 3));
    assert.deepEqual(added, [...AT_REST, 'path web eth3 10.1.0.3:80 disabled']);
  });

  it('carry the verdict behind them: of the path, the real server, its rack, or the NIC', () => {
    const explained = effects(
      (w) => {
        w.nicEnabled[0] = 0;
        w.weight[0]!.fill(0);
        w.path[0]!.fill(0, 0, 1);
      },
      [
        verdictOf({ nic: 'eth2', reason: 'nic' }),
        verdictOf({ subject: 'path', verdict: 'PATH', nic: 'eth2', rs: '10.1.0.1:80', reason: 'path' }),
        verdictOf({ subject: 'rs', verdict: 'RS_DOWN', cause: 'refused', rs: '10.1.0.2:80', reason: 'rs' }),
        verdictOf({ subject: 'rack', verdict: 'RACK_FAULT', rack: 'r7', reason: 'rack' }),
      ],
    );
    const why = new Map(explained.map((e) => [nameOf(e), `${e.verdict} ${e.reason}`]));
    assert.equal(why.get('nic eth2 failed'), 'NIC_FAIL nic');
    assert.equal(why.get('slice web eth2 disabled'), 'NIC_FAIL nic');
    assert.equal(why.get('path web eth2 10.1.0.1:80 disabled'), 'PATH path');
    assert.equal(why.get('realServer web 10.1.0.2:80 disabled 0'), 'RS_DOWN rs');
    assert.equal(why.get('realServer web 10.1.0.3:80 disabled 0'), 'RACK_FAULT rack');
    assert.equal(why.get('realServer web 10.1.0.1:80 disabled 0'), 'OK no fault');
  });

  it('of a real server with several checks carry the verdict of the one that decides', () => {
    const because = (combine: { combine?: 'any' }, verdicts: Verdict[]) => {
      const [web, ...others] = PLAN.services;
      const [first, ...members] = web!.realServers;
      const realServers = [{ ...first!, further: [2] }, ...members.slice(0, 1)];
      const plan = { ...PLAN, services: [{ ...web!, ...combine, realServers }, ...others] };
      const wanted = wantedOf(plan, (w) => w.weight[0]!.fill(0, 0, 1));
      const made = [...planEffects(plan).wanted(wanted, verdicts).values()].filter((e) => e.kind === 'realServer');
      return made.map((e) => `${e.realServer} ${e.weight} ${e.reason}`);
    };
    const down = (rs: string) => verdictOf({ subject: 'rs', verdict: 'RS_DOWN', rs, reason: rs });
    assert.deepEqual(because({}, [down('10.1.0.3:80')]), ['10.1.0.1:80 0 10.1.0.3:80']);
    assert.deepEqual(because({}, [down('10.1.0.1:80'), down('10.1.0.3:80')]), ['10.1.0.1:80 0 10.1.0.1:80']);
    assert.deepEqual(because({ combine: 'any' }, [down('10.1.0.1:80'), down('10.1.0.3:80')]), ['10.1.0.1:80 0 10.1.0.1:80']);
  });

  it('of a weight that a check says: that weight, or the share of it in slow start, with the reason', () => {
    const say = (by: number, value: number, more: (w: Mutable) => void = () => undefined) =>
      effects((w) => {
        w.dynamic.by[1] = by;
        w.dynamic.value[1] = value;
        more(w);
      })
        .filter((e) => e.kind === 'realServer')
        .map((e) => `${nameOf(e)} of ${e.configured}: ${e.reason}`);
    const { weight } = PLAN.services[0]!.realServers[1]!;
    const at = (w: number) => `realServer web 10.1.0.2:80 ${w > 0 ? 'enabled' : 'disabled'} ${w} of ${weight}`;
    assert.deepEqual(say(1, 7), [`${at(7)}: weight 7 instead of ${weight}, as its check says`]);
    assert.deepEqual(say(1, 0), [`${at(0)}: weight 0 instead of ${weight}, as its check says`]);
    assert.deepEqual(say(2, 50), [`${at(weight + 50)}: weight ${weight + 50} instead of ${weight}, as its check says`]);
    assert.deepEqual(say(2, 0), []);
    assert.deepEqual(
      say(1, 40, (w) => w.weight[0]!.fill(0.5, 1, 2)),
      [`${at(20)}: weight 40 instead of ${weight}, as its check says`],
    );
  });

  it('hold what an actuator needs', () => {
    const [last] = effects((w) => w.weight[0]!.fill(0, 0, 1)).slice(-1);
    const { key: _, ...rest } = last!;
    assert.deepEqual(rest, {
      kind: 'realServer',
      spec: { type: 'exec', command: ['/web'], timeout: 5000 },
      cluster: 'edge-1',
      server: 'lb-01',
      service: 'web',
      vip: '10.0.0.1:80/tcp',
      realServer: '10.1.0.1:80',
      state: 'disabled',
      weight: 0,
      configured: 100,
      verdict: 'OK',
      cause: 'none',
      reason: 'no fault',
    });
  });
});

describe('keys', () => {
  it('are unique, and the same whatever the state', () => {
    const down = (w: Mutable) => {
      w.nicEnabled.fill(0);
      for (const weights of w.weight) weights.fill(0);
      for (const paths of w.path) paths.fill(0);
    };
    const all = effects(down);
    assert.equal(all.length, 2 + 2 + 3 + 6);
    assert.equal(new Set(all.map((e) => e.key)).size, all.length);
    const before = new Set(effects().map((e) => e.key));
    assert.ok([...before].every((key) => all.some((e) => e.key === key)));
  });

  it('tell two commands of one NIC apart, but not two timeouts of one command', () => {
    const keys = (onFail: string) => {
      const plan = planOf(`nics: [{name: eth2, onFail: [${onFail}]}]\n`);
      return [...planEffects(plan).wanted(wantedOf(plan), []).keys()];
    };
    assert.equal(new Set(keys('{exec: {command: [/a]}}, {exec: {command: [/b]}}')).size, 2);
    assert.deepEqual(keys('{exec: {command: [/a], timeout: 1s}}'), keys('{exec: {command: [/a], timeout: 2s}}'));
    assert.deepEqual(keys('none'), []);
  });
});

describe('the rest state', () => {
  const planned = planEffects(PLAN);
  const down = planned.wanted(
    wantedOf(PLAN, (w) => {
      w.weight[0]!.fill(0);
      w.path[0]!.fill(0);
      w.nicEnabled.fill(0);
    }),
    [],
  );

  it('of every effect of a service has the same key, enabled, with the configured weight', () => {
    for (const e of down.values()) {
      if (e.kind === 'nic') continue;
      const rest = planned.rest(e);
      assert.equal(rest?.key, e.key);
      assert.equal(rest?.state, 'enabled');
    }
    assert.equal([...down.values()].map((e) => planned.rest(e)?.weight).filter((w) => w === 50).length, 1);
  });

  it('is none for what the plan no longer acts on', () => {
    const without = planOf(`nics: [{name: eth2}]
services: [{name: web, vip: '10.0.0.1:80/tcp', realServers: [10.1.0.1:80], actuator: {exec: {command: [/web]}}}]
`);
    const kept = [...down.values()].filter((e) => planEffects(without).rest(e)).map(nameOf);
    assert.deepEqual(kept, [
      'slice web eth2 disabled',
      'realServer web 10.1.0.1:80 disabled 0',
      'path web eth2 10.1.0.1:80 disabled',
    ]);
    const other = planOf(`nics: [{name: eth2}]
services: [{name: web, vip: '10.0.0.1:80/tcp', realServers: [10.1.0.1:80], actuator: {exec: {command: [/other]}}}]
`);
    assert.equal([...down.values()].filter((e) => planEffects(other).rest(e)).length, 0);
  });
});

describe('weights', () => {
  it('are 0 only when out, never above the configured one, and grow with the fraction', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65535 }), fc.double({ min: 0, max: 1, noNaN: true }), (configured, fraction) => {
        const weight = weightFor(configured, fraction);
        assert.ok(Number.isInteger(weight) && weight <= configured);
        assert.equal(weight === 0, configured === 0 || fraction === 0);
        assert.ok(weightFor(configured, Math.min(1, fraction + 0.06)) >= weight);
      }),
    );
    assert.deepEqual(
      [0, 0.1, 0.25, 0.5, 1].map((f) => weightFor(100, Math.fround(f))),
      [0, 10, 25, 50, 100],
    );
    assert.deepEqual(
      [0, 0.1, 1].map((f) => weightFor(1, f)),
      [0, 1, 1],
    );
  });

  it('follow a slow start in at most 20 steps', () => {
    const steps = new Set(Array.from({ length: 301 }, (_, i) => weightFor(1000, 0.1 + (0.9 * i) / 300)));
    assert.ok(steps.size <= 20, String(steps.size));
  });

  it('are part of the value compared', () => {
    const [a, b] = [0.5, 0.75].map((f) => effects((w) => w.weight[0]!.fill(f, 0, 1)).at(-1)!);
    assert.equal(a?.key, b?.key);
    assert.notEqual(valueOf(a!), valueOf(b!));
  });
});
