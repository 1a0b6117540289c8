/** Real servers with several checks: of which all, or any one, must be good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHeader, readHeader } from '../../src/judge/evidence/header.ts';
import { Line } from '../../src/judge/evidence/line.ts';
import { exactState, fromExactState } from '../../src/judge/exact.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import type { Topology } from '../../src/model/topology.ts';
import { type Fault, play, topology } from './world.ts';

const AT = 10_000;
/** Ten real servers with two checks each: r and r + 10. */
const world = (combine?: 'any', rules: Record<string, number> = {}): Topology =>
  topology({
    nics: 2,
    servers: 20,
    rules: { rs_hold_down_ms: 500, slow_start_ms: 0, ...rules },
    services: [
      {
        name: 'web',
        nics: [0, 1],
        realServers: Array.from({ length: 10 }, (_, r) => r),
        further: new Map(Array.from({ length: 10 }, (_, r) => [r, [r + 10]])),
        ...(combine === undefined ? {} : { combine }),
        panic: 0.5,
      },
    ],
  });
const bad = (when: (t: number, j: number, i: number) => boolean): Fault => ({
  cell: (i, j) => (t) => (when(t, j, i) ? 'l7' : 'ok'),
});
const id = (j: number) => `10.0.0.${j}:80`;
const acts = (run: ReturnType<typeof play>) =>
  run.actions.map(({ t, action }) => {
    const what =
      action.action === 'set_real_server' ? `${action.rs} ${action.weight}` : `${action.action} ${JSON.stringify(action)}`;
    return `${Math.floor((t - AT) / 10_000)} ${what}`;
  });

test('all: one bad check of two takes the real server out, by the name of its first one, and back when both are good', () => {
  const run = play(
    world(),
    bad((t, j) => t >= AT && t < AT + 10_000 && j === 13),
    AT + 30_000,
  );
  assert.deepEqual(acts(run), [`0 ${id(3)} 0`, `1 ${id(3)} 1`]);
  // The transition is the check's.
  const [down] = run.transitions.filter(({ verdict }) => verdict === 'RS_DOWN');
  assert.equal(down!.rs, id(13));
  assert.equal(down!.actions.length, 1);
});

test('all: while one check is still bad the recovery of the other brings nothing back', () => {
  const run = play(
    world(),
    bad((t, j) => t >= AT && ((j === 3 && t < AT + 10_000) || (j === 13 && t < AT + 30_000))),
    AT + 60_000,
  );
  assert.deepEqual(acts(run), [`0 ${id(3)} 0`, `3 ${id(3)} 1`]);
});

test('any: out when every check is bad, back when one is good', () => {
  const run = play(
    world('any'),
    bad((t, j) => t >= AT && ((j === 3 && t < AT + 40_000) || (j === 13 && t >= AT + 10_000 && t < AT + 20_000) || j === 4)),
    AT + 60_000,
  );
  assert.deepEqual(acts(run), [`1 ${id(3)} 0`, `2 ${id(3)} 1`]);
});

test('a path leaves a slice when one check fails there, or with any when each does or is down everywhere', () => {
  const here = bad((t, j, i) => t >= AT && i === 1 && j === 13);
  assert.deepEqual(acts(play(world(), here, AT + 10_000)).length, 1);
  assert.match(acts(play(world(), here, AT + 10_000))[0]!, new RegExp(`disable_path .*eth1.*${id(3)}`));
  assert.deepEqual(acts(play(world('any'), here, AT + 10_000)), []);
  const both = bad((t, j, i) => t >= AT && (j === 3 || (i === 1 && j === 13)));
  assert.match(acts(play(world('any'), both, AT + 20_000)).join(), new RegExp(`disable_path .*eth1.*${id(3)}`));
});

test('slow start: all takes the slower of two, any the faster', () => {
  const rules = { slow_start_ms: 30_000 };
  const one = bad((t, j) => t >= AT && ((j === 3 && t < AT + 10_000) || (j === 13 && t < AT + 20_000)));
  const weights = (combine?: 'any') =>
    play(world(combine, rules), one, AT + 60_000).actions.flatMap(({ action }) =>
      action.action === 'set_real_server' ? [action.weight] : [],
    );
  const slow = weights();
  assert.deepEqual(slow.slice(0, 2), [0, 0.1]);
  assert.equal(slow.at(-1), 1);
  assert.deepEqual(weights('any').slice(0, 2), [0, 0.1]);
});

test('the floor counts real servers, not checks, and keeps the least bad', () => {
  const run = play(
    world(undefined, { budget_fraction: 1 }),
    bad((t, j) => t >= AT && j % 10 < 8),
    AT + 30_000,
  );
  const weights = [...run.state.wanted.weight[0]!];
  assert.equal(weights.filter((weight) => weight > 0).length, 5);
  assert.equal(run.state.wanted.panic[0], 1);
});

test('a header, a state and a snapshot keep the checks of each real server; without several nothing is written of it', () => {
  for (const combine of [undefined, 'any'] as const) {
    const t = world(combine);
    const { state } = play(
      t,
      bad((at, j) => at >= AT && j === 13),
      AT + 9000,
    );
    const line = formatHeader(t, { from: 'reload', t: 1 });
    const read = readHeader(Line.parse(line, 1)).topology;
    assert.deepEqual(read.services, t.services);
    assert.equal(formatHeader(read, { from: 'reload', t: 1 }), line);
    assert.deepEqual(exactState(fromExactState(read, JSON.parse(JSON.stringify(exactState(state))))), exactState(state));
    const again = fromSnapshot(t, JSON.parse(JSON.stringify(toSnapshot(state))), state.clock.now);
    assert.deepEqual(again.wanted.weight, state.wanted.weight);
  }
  const single = topology({ nics: 1, servers: 2 });
  assert.doesNotMatch(formatHeader(single), /combine|\[\[/);
});

test('a header with a check twice, none at all, or another combination is refused', () => {
  const header = (services: object) =>
    readHeader(
      Line.parse(
        JSON.stringify({
          ...(JSON.parse(formatHeader(world())) as object),
          services: [{ name: 's', nics: ['eth0'], ...services }],
        }),
        1,
      ),
    );
  assert.throws(() => header({ realServers: [[id(1), id(2)], id(2)] }), /lists a rs twice/);
  assert.throws(() => header({ realServers: [[]] }), /empty list/);
  assert.throws(() => header({ realServers: [id(1)], combine: 'some' }), /it must be any/);
});

test('a reload that takes away or changes the first check keeps what the real server is at', () => {
  const t = world();
  const { state } = play(
    t,
    bad((at, j) => at >= AT && j === 13),
    AT + 9000,
  );
  assert.equal(state.wanted.weight[0]![3], 0);
  const further = new Map(t.services[0]!.further);
  further.set(3, []);
  further.delete(3);
  const realServers = t.services[0]!.realServers.map((j) => (j === 3 ? 13 : j));
  const next = retopologise(state, { ...t, services: [{ ...t.services[0]!, realServers, further }] }, state.clock.now);
  assert.equal(next.wanted.weight[0]![3], 0);
});
