/**
 * Warm restart and reload. That they change nothing in any evidence is proved in properties.test.ts; here: other clocks, other
 * worlds, damage.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../src/judge/judge.ts';
import { cells, verdicts } from '../../src/judge/read.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { fromSnapshot, hashKey, toSnapshot } from '../../src/judge/snapshot.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import { newBatch } from '../../src/model/facts.ts';
import type { Topology } from '../../src/model/topology.ts';
import type { Transition } from '../../src/model/verdict.ts';
import { type Fault, play, say, topology, troubled } from './world.ts';

const AT = 10_000;
const copy = (x: unknown) => JSON.parse(JSON.stringify(x)) as Record<string, unknown>;
/** A world with everything in it. */
const trouble: Fault = {
  cell: troubled(AT),
};
const world = topology({ nics: 4, servers: 20, rack: (j) => (j > 16 ? 'k' : j > 8 ? 'b' : 'a') });

test('a restart on another clock with an unchanged world says and does nothing, and never pages that it was blind', () => {
  const cut = AT + 21_000;
  let later: Transition[] = [];
  let actions = 0;
  const run = play(world, trouble, AT + 60_000, {
    seed: 4,
    after: (state, decisions, now) => {
      if (now > cut) {
        later.push(...decisions.transitions);
        actions += decisions.actions.length;
      }
      return now === cut ? fromSnapshot(world, copy(toSnapshot(state)), now) : undefined;
    },
  });
  later = later.filter((x) => x.verdict !== 'RACK_FAULT');
  assert.deepEqual(later.map(say), []);
  assert.equal(actions, 0);
  const present = verdicts(run.state).map((v) => v.verdict);
  for (const name of ['NIC_FAIL', 'NIC_PARTIAL', 'PATH', 'RS_DOWN', 'RACK_FAULT'] as const)
    assert.ok(present.includes(name), `${name} is missing in ${present.join()}`);
});

test('after a restart nobody is called blind before results had time to come; after that, they are', () => {
  const run = play(world, trouble, AT + 21_000, { seed: 4 });
  const saved = copy(toSnapshot(run.state));
  const t0 = 5_000_000;
  let state = fromSnapshot(world, saved, t0);
  const none = { results: newBatch(0), observations: [] };
  const said: string[] = [];
  for (let now = t0 + 100; now <= t0 + 5000; now += 100) {
    const result = judge(state, none, now);
    state = result.state;
    said.push(...result.decisions.transitions.map((x) => `${x.t - t0} ${say(x)}`));
    assert.deepEqual(result.decisions.actions, []);
  }
  assert.equal(said.length, 1, said.join());
  const [after, word] = said[0]!.split(' ');
  assert.equal(word, 'AGENT_STALLED');
  assert.ok(Number(after) >= 1700 && Number(after) <= 3500, said[0]);
});

test('what is gone from the configuration is forgotten, what is new starts unknown, the rest keeps its past', () => {
  const run = play(world, trouble, AT + 21_000, { seed: 4 });
  const next: Topology = {
    ...world,
    nics: [world.nics[2]!, world.nics[0]!, { name: 'new', group: 'new', anchors: [] }],
    realServers: [...world.realServers.slice(1, 10).toReversed(), { id: 'fresh', key: 'fresh' }],
    services: [{ name: 'web', nics: [0, 1, 2], realServers: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], panic: 0.5 }],
  };
  const saved = copy(toSnapshot(run.state));
  const restarted = fromSnapshot(next, saved, 77);
  const reloaded = retopologise(run.state, next, AT + 21_000);
  for (const state of [restarted, reloaded]) {
    const said = verdicts(state).map((v) => [v.nic, v.rs, v.verdict].filter((x) => x !== undefined).join(' '));
    assert.ok(said.includes('eth0 NIC_FAIL') && said.includes('10.0.0.2:80 RS_DOWN'), said.join());
    assert.deepEqual([...state.wanted.nicEnabled], [1, 0, 1]);
    assert.equal(state.wanted.weight[0]![7], 0, 'real server 2 is now at 7');
    assert.equal(state.cells.link[2 * 10], 0, 'a new NIC knows nothing');
    assert.equal(state.cells.t[9], 0, 'a new real server was never probed');
    assert.ok(state.cells.linkStreak[8]! !== 0, 'an old cell keeps its streak');
  }
  assert.deepEqual([...cells(reloaded).outcome], [...cells(restarted).outcome]);
});

test('a reload that adds most of the world waits like a cold start; one that adds a real server does not', () => {
  const run = play(topology({ nics: 2, servers: 2 }), {}, AT);
  assert.ok(retopologise(run.state, topology({ nics: 2, servers: 20 }), AT).agent.coldUntil > AT);
  const again = play(topology({ nics: 2, servers: 10 }), {}, AT);
  assert.ok(retopologise(again.state, topology({ nics: 2, servers: 11 }), AT).agent.coldUntil <= AT);
});

test('when a reload takes the NICs that were left, disabled ones come back', () => {
  const shape = topology({ nics: 4, servers: 8, rules: { max_nics_fraction: 0.5 } });
  const run = play(shape, { cell: (i) => (t) => (t >= AT && i < 2 ? 'timeout' : 'ok') }, AT + 8000);
  assert.deepEqual([...run.state.wanted.nicEnabled], [0, 0, 1, 1]);
  const less = topology({ nics: 2, servers: 8 });
  assert.deepEqual([...retopologise(run.state, less, AT + 8000).wanted.nicEnabled], [1, 0]);
});

test('a reload that shrinks a service below its panic floor brings the least bad back', () => {
  const services = (n: number) => [
    { name: 'web', nics: [0, 1], realServers: Array.from({ length: n }, (_, k) => k), panic: 0.5 },
  ];
  const fault: Fault = { cell: (_, j) => (t) => (t < AT || j > 3 ? 'ok' : j === 1 ? 'l7' : 'timeout') };
  const run = play(topology({ nics: 2, servers: 10, services: services(10), rules: { budget_fraction: 1 } }), fault, AT + 8000);
  assert.deepEqual([...run.state.wanted.weight[0]!].slice(0, 4), [0, 0, 0, 0]);
  const state = retopologise(
    run.state,
    topology({ nics: 2, servers: 10, services: services(5), rules: { budget_fraction: 1 } }),
    AT + 8000,
  );
  const { decisions } = judge(state, { results: newBatch(0), observations: [] }, AT + 8100);
  assert.equal(decisions.wanted.panic[0], 1);
  const weights = [...decisions.wanted.weight[0]!];
  assert.equal(weights[1], 1, 'one that answers wrongly is better than one that is silent');
  assert.equal(weights.filter((w) => w > 0).length, 3);
});

test('a damaged snapshot is refused with a message that says where', () => {
  const run = play(world, trouble, AT + 21_000, { seed: 4 });
  const saved = copy(toSnapshot(run.state));
  const refused = (change: (x: Record<string, any>) => unknown, message: RegExp) => {
    const x = structuredClone(saved);
    const other = change(x);
    assert.throws(
      () => fromSnapshot(world, other === undefined ? x : other, 0),
      (e: unknown) => e instanceof FourlaneError && e.code === 'STATE_DAMAGED' && message.test(e.message),
    );
  };
  refused(() => [], /saved judge state: expected an object, found \[\]/);
  refused(() => null, /expected an object, found null/);
  refused((x) => void (x['v'] = 3), /version 3 is not 1 or 2/);
  refused((x) => void delete x['rs'], /entry "rs" is missing/);
  refused((x) => void (x['more'] = 1), /unknown entry "more"/);
  refused((x) => void (x['nics'] = 'eth0'), /nics: expected a list/);
  refused((x) => void (x['nics'] = [1]), /nics: expected text, found 1/);
  refused((x) => void x['nics'].pop(), /expected 3 values, found 4/);
  refused((x) => void (x['nic']['verdict'][0] = 99), /verdict: expected 0 … \d+, found 99/);
  refused((x) => void (x['nic']['cause'][0] = 0.5), /cause: expected a whole number, found 0.5/);
  refused((x) => void (x['rs']['since'][0] = -1), /since: expected 0 … .*, found -1/);
  refused((x) => void (x['hold'] = null), /hold: expected 1/);
  refused((x) => void (x['cells']['states'] = 'x'), /states: expected 80 digits/);
  refused((x) => void (x['cells']['outcome'][3] = 77), /no outcome has code 77/);
  refused((x) => void (x['cells']['last'] = [1e9, 0, 0, 0, 0]), /last: expected 0 … 79/);
  refused((x) => void (x['cells']['age'][0] = 'now'), /age: expected .*found "now"/);
  refused((x) => void (x['governor']['weights'] = [['web', 1, 7, 0]]), /weights: expected 0 … 1, found 7/);
  refused((x) => void (x['governor']['weights'] = [['web', 1]]), /weights: expected 4 values, found 2/);
  refused((x) => void (x['flaps'][1] = [['a']]), /flaps: expected/);
  refused((x) => void (x['anchors'][0] = [['192.0.2.1', 9, 0, 0, 0, 0]]), /anchors: expected 0 … 2, found 9/);
});

test('random damage never gets past the reader as anything but an error or a usable state', () => {
  const run = play(world, trouble, AT + 21_000, { seed: 4 });
  const text = JSON.stringify(toSnapshot(run.state));
  let refused = 0;
  for (let k = 0; k < 400; k++) {
    const at = (k * 7919) % text.length;
    const broken = text.slice(0, at) + ['9', '-', '"', 'null', '[', ''][k % 6]! + text.slice(at + 1 + (k % 3));
    try {
      const state = fromSnapshot(world, JSON.parse(broken), 1000);
      judge(state, { results: newBatch(0), observations: [] }, 1100);
      verdicts(state);
    } catch (e) {
      assert.ok(
        e instanceof SyntaxError || (e instanceof FourlaneError && e.code === 'STATE_DAMAGED'),
        String((e as Error).stack),
      );
      refused++;
    }
  }
  assert.ok(refused > 200, `${refused}`);
});

test('hashes of keys tell keys apart', () => {
  const seen = new Set(Array.from({ length: 50_000 }, (_, k) => hashKey(`10.0.${k >> 8}.${k & 255}:80 {"type":"tcp"}`)));
  assert.equal(seen.size, 50_000);
});
