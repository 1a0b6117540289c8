import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { verdicts } from '../../src/judge/read.ts';
import { formatTransition, Replay } from '../../src/judge/replay.ts';
import { linkFact } from '../../src/model/facts.ts';
import type { Action, Transition } from '../../src/model/verdict.ts';
import { build, END, FAULT_AT, vectors } from './vectors.ts';
import { play, say, topology } from './world.ts';

const words = (a: Action) =>
  [a.action, 'nic' in a ? a.nic : '', 'rs' in a ? a.rs : '', 'weight' in a ? a.weight : ''].filter((x) => x !== '').join(' ');

function replayed(log: readonly string[]): readonly Transition[] {
  const replay = new Replay();
  return [...log.flatMap((line) => replay.line(line)), ...replay.end()];
}

for (const vector of vectors) {
  test(`vector ${vector.name}: ${vector.matrix}`, () => {
    const { topology: t, fault } = build(vector);
    for (const seed of [1, 2, 3]) {
      const run = play(t, fault, END, { seed });
      const present = verdicts(run.state).map((v) => say({ ...v, t: 0, previous: 'OK', actions: [], blocked: [] }));
      assert.deepEqual(present.filter((x) => !x.startsWith('SUSPECT')).sort(), [...vector.expected].sort());
      if (vector.suspects !== undefined)
        assert.deepEqual(
          present.filter((x) => x.startsWith('SUSPECT')),
          vector.suspects,
        );
      const named = run.transitions.filter((x) => x.verdict !== 'SUSPECT' && x.verdict !== 'OK');
      assert.deepEqual(named.map(say).sort(), [...(vector.said ?? vector.expected)].sort(), 'nothing else was said on the way');
      assert.ok(
        run.transitions.every((x) => x.t > FAULT_AT),
        'nothing was said before the fault',
      );
      const actions = run.actions.map((x) => words(x.action));
      if (vector.blocked === undefined) assert.deepEqual(actions.sort(), [...(vector.actions ?? [])].sort());
      else assert.equal(actions.length, vector.actions?.length ?? 0);
      assert.deepEqual([...new Set(run.blocked.map((x) => x.blocked.rule))], vector.blocked ?? []);
      const again = replayed(run.log).filter((x) => x.verdict !== 'SUSPECT' && x.verdict !== 'OK');
      assert.deepEqual(new Set(again.map(say)), new Set(named.map(say)), 'replay says the same');
    }
  });
}

/** 0000/1111 for 2 s, then all good, each 20 s. */
function flapping(kind: 'probes' | 'carrier') {
  const period = 20_000;
  const bad = (t: number) => t > period / 2 && t % period < 2000;
  const shape = topology({ nics: 2, servers: 4, intervalMs: 200, timeoutMs: 100 });
  const links = [1, 2, 3, 4, 5].flatMap((k) => [linkFact(0, 0, k * period), linkFact(0, 1, k * period + 2000)]);
  const fault =
    kind === 'carrier'
      ? { links, cell: (i: number) => (t: number) => (i === 0 && bad(t) ? ('netdown' as const) : ('ok' as const)) }
      : {
          cell: (i: number) => (t: number) => (i === 0 && bad(t) ? ('timeout' as const) : ('ok' as const)),
          anchor: (i: number) => (t: number) => (i === 0 && bad(t) ? ('timeout' as const) : ('ok' as const)),
        };
  return play(shape, fault, 118_000);
}

for (const kind of ['probes', 'carrier'] as const) {
  test(`vector 21: a NIC that fails for 2 s each 20 s (${kind}) is FLAPPING from the fourth time and stays disabled`, () => {
    const run = flapping(kind);
    const said = run.transitions.filter((x) => x.verdict !== 'SUSPECT');
    const flaps = said.filter((x) => x.verdict === 'FLAPPING');
    assert.equal(flaps.length, 1, 'one alert');
    assert.ok(flaps[0]!.t >= 80_000 && flaps[0]!.t < 82_000, `at the fourth fault, not at ${flaps[0]!.t}`);
    assert.equal(said.at(-1), flaps[0], 'nothing after it');
    assert.equal(run.state.wanted.nicEnabled[0], 0);
    const first = said[0]!;
    assert.equal(first.verdict, 'NIC_FAIL');
    assert.ok(first.t <= 20_000 + (kind === 'carrier' ? 60 : 1500), `named at ${first.t}`);
  });
}

test('the committed logs are those of the vectors, and replay says what the files beside them say', () => {
  for (const vector of vectors.filter((v) => v.committed)) {
    const { topology: t, fault } = build(vector);
    const { log } = play(t, fault, END, { seed: 1 });
    const lines = (list: readonly string[]) => list.map((line) => `${line}\n`).join('');
    const files = { '.jsonl': lines(log), '.expected.jsonl': lines(replayed(log).map(formatTransition)) };
    for (const [ending, text] of Object.entries(files)) {
      const path = new URL(`../fixtures/evidence/${vector.name}${ending}`, import.meta.url).pathname;
      // After a change that is meant: UPDATE_FIXTURES=1 node --test test/judge/vectors.test.ts, and read the diff.
      if (process.env['UPDATE_FIXTURES'] === '1') writeFileSync(path, text);
      assert.equal(readFileSync(path, 'utf8'), text, path);
    }
  }
});
