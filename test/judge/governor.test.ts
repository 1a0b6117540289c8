/** R12 and R13 in simulated worlds: limits, deferred actions, recovery, slow start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial, judge } from '../../src/judge/judge.ts';
import { linkFact, newBatch } from '../../src/model/facts.ts';
import type { Action } from '../../src/model/verdict.ts';
import { type Fault, play, say, topology } from './world.ts';

const AT = 10_000;
const ALL = { nics: [0, 1], panic: 0.5 };
const range = (n: number) => Array.from({ length: n }, (_, k) => k);
const from = (
  at: number,
  until: number,
  bad: (i: number, j: number) => boolean,
  outcome: 'timeout' | 'refused' | 'l7' = 'timeout',
): Fault => ({
  cell: (i, j) => (t) => (t >= at && t < until && bad(i, j) ? outcome : 'ok'),
});
const weightOf = (a: Action) => (a.action === 'set_real_server' ? a.weight : Number.NaN);

test('a service loses at most 20 % of its real servers per 10 s, and the rest follows when the window allows', () => {
  const run = play(
    topology({ nics: 2, servers: 20 }),
    from(AT, 1e9, (_, j) => j < 6),
    AT + 25_000,
  );
  const times = run.actions.map((x) => x.t - AT);
  assert.equal(run.actions.length, 6);
  assert.ok(
    times.slice(0, 4).every((t) => t < 4000),
    times.join(),
  );
  assert.ok(
    times.slice(4).every((t) => t >= 10_000 && t < 15_000),
    times.join(),
  );
  assert.equal(run.blocked.filter((x) => x.blocked.rule === 'budget_service').length, 2);
});

test('the agent as a whole keeps to its budget over many services', () => {
  const services = range(10).map((v) => ({ name: `s${v}`, ...ALL, realServers: range(4).map((r) => v * 4 + r) }));
  const run = play(
    topology({ nics: 2, servers: 40, services, rules: { budget_real_servers: 3 } }),
    from(AT, 1e9, (_, j) => j % 4 === 0),
    AT + 8000,
  );
  assert.equal(run.actions.length, 3);
  assert.deepEqual([...new Set(run.blocked.map((x) => x.blocked.rule))], ['budget_agent']);
});

test('panic keeps the least bad real servers in service and says so', () => {
  const fault: Fault = {
    cell: (_, j) => (t) => (t < AT || j > 2 ? 'ok' : j === 0 ? 'l7' : 'timeout'),
  };
  const run = play(topology({ nics: 2, servers: 4, rules: { budget_fraction: 1 } }), fault, AT + 8000);
  assert.deepEqual([...run.state.wanted.weight[0]!].filter((w) => w === 0).length, 2);
  assert.equal(run.state.wanted.panic[0], 1);
  assert.deepEqual([...new Set(run.blocked.map((x) => x.blocked.rule))], ['panic']);
  const two = play(
    topology({ nics: 2, servers: 2 }),
    from(AT, 1e9, (_, j) => j === 0),
    AT + 8000,
  );
  assert.deepEqual([...two.state.wanted.weight[0]!], [0, 1], 'with fewer than four one is enough');
  assert.equal(two.state.wanted.panic[0], 0);
});

test('panic ends when a real server comes back: one that is dead may go', () => {
  const fault: Fault = {
    cell: (_, j) => (t) => (t < AT || j > 2 || (j === 0 && t > AT + 20_000) ? 'ok' : 'timeout'),
  };
  const run = play(topology({ nics: 2, servers: 4, rules: { budget_fraction: 1 } }), fault, AT + 60_000);
  assert.deepEqual([...run.state.wanted.weight[0]!], [1, 0, 0, 1]);
  assert.equal(run.state.wanted.panic[0], 0);
});

test('no more than half of the NICs, and never the last', () => {
  const fault: Fault = {
    cell: (i) => (t) => (t >= AT + 1000 * i && i < 2 ? 'netdown' : 'ok'),
    links: [linkFact(0, 0, AT), linkFact(1, 0, AT + 1000)],
  };
  const three = play(topology({ nics: 3, servers: 8 }), fault, AT + 4000);
  assert.deepEqual(
    three.actions.map((x) => x.action),
    [{ action: 'disable_nic', nic: 'eth0' }],
  );
  assert.deepEqual(
    three.blocked.map((x) => x.blocked.rule),
    ['half_nics'],
  );
  const two = play(topology({ nics: 2, servers: 8, rules: { max_nics_fraction: 1 } }), fault, AT + 1500);
  assert.deepEqual(
    two.blocked.map((x) => x.blocked.rule),
    ['last_nic'],
  );
  assert.deepEqual([...two.state.wanted.nicEnabled], [0, 1]);
});

test('carrier loss acts in the first pass after the debounce, and a shorter blink does nothing', () => {
  const shape = topology({ nics: 2, servers: 4 });
  const state = initial(shape, 0);
  const empty = newBatch(0);
  const pass = (now: number, carrier?: 0 | 1) =>
    judge(state, { results: empty, observations: carrier === undefined ? [] : [linkFact(0, carrier, now)] }, now).decisions;
  pass(100);
  assert.deepEqual(pass(200, 0).actions, []);
  assert.deepEqual(pass(249).transitions, []);
  assert.deepEqual(pass(249.5, 1).transitions, []);
  assert.deepEqual(pass(310).transitions, []);
  assert.deepEqual(pass(320, 0).actions, []);
  const d = pass(371);
  assert.deepEqual(d.transitions.map(say), ['NIC_FAIL(eth0 carrier)']);
  assert.deepEqual(d.actions, [{ action: 'disable_nic', nic: 'eth0' }]);
});

test('a NIC that went by carrier takes the place of one that is only held down', () => {
  // eth0 was dead and is well again but held down; then eth1 loses its carrier.
  const fault: Fault = {
    cell: (i) => (t) => (i === 0 && t >= AT && t < AT + 6000 ? 'timeout' : i === 1 && t >= AT + 9000 ? 'netdown' : 'ok'),
    links: [linkFact(1, 0, AT + 9000)],
  };
  const run = play(topology({ nics: 2, servers: 8 }), fault, AT + 10_000);
  assert.deepEqual(
    run.actions.map((x) => Object.values(x.action).join(' ')),
    ['disable_nic eth0', 'enable_nic eth0', 'disable_nic eth1'],
  );
});

test('a NIC comes back after 10 s of being well, its dead paths out before it carries traffic', () => {
  const fault: Fault = {
    cell: (i, j) => (t) => (i === 0 && t >= AT && (t < AT + 6000 || j === 2) ? 'timeout' : 'ok'),
  };
  const run = play(topology({ nics: 2, servers: 20 }), fault, AT + 25_000);
  const words = run.actions.map((x) =>
    Object.values(x.action)
      .filter((w) => w !== 'web')
      .join(' '),
  );
  assert.deepEqual(words, ['disable_nic eth0', 'disable_path eth0 10.0.0.2:80', 'enable_nic eth0']);
  const back = run.actions[2]!.t - AT;
  assert.ok(back >= 16_000 && back < 19_000, `enabled after ${back}`);
});

test('a real server comes back at 10 % and reaches full weight in 30 s', () => {
  const run = play(
    topology({ nics: 2, servers: 10 }),
    from(AT, AT + 10_000, (_, j) => j === 4),
    AT + 60_000,
  );
  const weights = run.actions.map((x) => weightOf(x.action));
  assert.deepEqual(weights, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  const took = run.actions.at(-1)!.t - run.actions[1]!.t;
  assert.ok(Math.abs(took - 30_000) <= 200, `${took}`);
  const back = run.actions[1]!.t - AT;
  assert.ok(back < 12_500, `first weight after ${back}`);
});

test('hold-downs double; a real server that keeps failing gets a quarter of its weight', () => {
  const bad = (t: number) => t >= AT && t < AT + 200_000 && (t - AT) % 40_000 < 3500;
  const run = play(
    topology({ nics: 2, servers: 10, intervalMs: 500, timeoutMs: 250 }),
    { cell: (_, j) => (t) => (j === 1 && bad(t) ? 'refused' : 'ok') },
    AT + 400_000,
  );
  const words = run.transitions.map((x) => x.verdict);
  assert.deepEqual(words, ['RS_DOWN', 'OK', 'RS_DOWN', 'OK', 'RS_DOWN', 'OK', 'RS_DOWN', 'FLAPPING']);
  const outage = (k: number) => run.transitions[k + 1]!.t - run.transitions[k]!.t;
  assert.ok(outage(0) < 6000 && outage(2) >= 10_000 && outage(4) >= 20_000, [0, 2, 4].map(outage).join());
  assert.equal(run.state.wanted.weight[0]![1], 0.25);
});

test('FLAPPING ends when the window has forgotten the faults, and the weight grows on from there', () => {
  const bad = (t: number) => t >= AT && t < AT + 80_000 && (t - AT) % 20_000 < 3500;
  const run = play(
    topology({
      nics: 2,
      servers: 10,
      intervalMs: 500,
      timeoutMs: 250,
      rules: { flap_window_ms: 120_000, rs_hold_down_max_ms: 5000 },
    }),
    { cell: (_, j) => (t) => (j === 1 && bad(t) ? 'refused' : 'ok') },
    AT + 300_000,
  );
  assert.deepEqual(
    run.transitions.slice(-2).map((x) => x.verdict),
    ['FLAPPING', 'OK'],
  );
  assert.equal(run.state.wanted.weight[0]![1], 1);
  const last = run.actions.slice(-3).map((x) => weightOf(x.action));
  assert.deepEqual(last, [0.8, 0.9, 1]);
});

test('the semaphore holds a NIC back, but not one without carrier', () => {
  const shape = topology({ nics: 2, servers: 4 });
  const run = (hard: boolean) => {
    const state = initial(shape, 0);
    const batch = newBatch(64);
    const said: string[] = [];
    for (let now = 0; now <= 12_000; now += 100) {
      batch.count = 0;
      if (now % 500 === 0) {
        for (let c = 0; c < 8; c++) {
          batch.nic[c] = c >> 2;
          batch.target[c] = c & 3;
          batch.outcome[c] = now > 6000 && c < 4 ? 4 : 0;
          batch.t[c] = now;
        }
        batch.count = 8;
      }
      const links = hard && now === 6500 ? [linkFact(0, 0, now)] : [];
      const permits = now === 0 ? [{ kind: 'permit' as const, t: now, measuredAt: now, nic: 0, granted: 0 as const }] : [];
      const { decisions } = judge(state, { results: batch, observations: [...permits, ...links] }, now);
      said.push(...decisions.actions.map((a) => a.action), ...decisions.blocked.map((b) => b.rule));
    }
    return said;
  };
  assert.deepEqual(run(false), ['semaphore']);
  assert.deepEqual(run(true), ['disable_nic']);
});

test('after a freeze nothing old is acted upon at once, and slow start goes on', () => {
  // Two real servers fail; one action is held by the budget; then everything fails, then all but those two heal.
  const fault: Fault = {
    cell: (_, j) => (t) => (t >= AT && (j < 2 || (t >= AT + 5000 && t < AT + 15_000)) ? 'timeout' : 'ok'),
  };
  const run = play(topology({ nics: 2, servers: 8 }), fault, AT + 40_000);
  const frozen = run.transitions.filter((x) => x.subject === 'agent').map((x) => x.t);
  assert.equal(frozen.length, 2);
  const during = run.actions.filter((x) => x.t >= frozen[0]! && x.t <= frozen[1]! + 1400);
  assert.deepEqual(during, []);
  assert.deepEqual([...run.state.wanted.weight[0]!].slice(0, 3), [0, 0, 1], 'both are out in the end');
  assert.ok(run.blocked.some((x) => x.blocked.rule === 'freeze'));
});

test('a path that is the last of its slice stays', () => {
  const services = [{ name: 'one', nics: [0, 1], realServers: [0], panic: 0.5 }];
  const run = play(
    topology({ nics: 2, servers: 6, services }),
    from(AT, 1e9, (i, j) => i === 0 && j === 0),
    AT + 6000,
  );
  assert.deepEqual(run.transitions.map(say), ['PATH(eth0>10.0.0.0:80 link)']);
  assert.deepEqual(run.actions, []);
  assert.deepEqual(
    run.blocked.map((x) => x.blocked.rule),
    ['panic'],
  );
});

test('a path comes back as it went: all at once', () => {
  const run = play(
    topology({ nics: 2, servers: 10 }),
    from(AT, AT + 8000, (i, j) => i === 0 && j === 0),
    AT + 20_000,
  );
  assert.deepEqual(
    run.actions.map((x) => x.action.action),
    ['disable_path', 'enable_path'],
  );
});
