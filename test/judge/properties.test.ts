/** P1–P11 on 50 000 random evidence sequences; `npm run prove` does a million. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial } from '../../src/judge/judge.ts';
import { pass } from './check.ts';
import { prove, rare } from './properties.ts';
import { randomSequence } from './sequences.ts';
import { copyOf, difference } from './values.ts';

const SEQUENCES = 50_000;

test(`P1–P11 hold on ${SEQUENCES} random sequences, over reloads on half of them, over restarts on a tenth`, () => {
  const tally = new Map<string, number>();
  prove(1, 1 + SEQUENCES, tally);
  assert.deepEqual(rare(tally, 50), [], 'everything that can be said and done was, often enough');
  for (const name of ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P11'])
    assert.equal(tally.get(`checked ${name}`), SEQUENCES, name);
  assert.equal(tally.get('checked reload'), SEQUENCES / 2);
  for (const name of ['quarantine', 'restart', 'shrink'])
    assert.equal(Math.round(tally.get(`checked ${name}`)! / (SEQUENCES / 100)), 10, name);
});

test('a copy of a state goes on as the state itself, and by itself', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const { topology, passes } = randomSequence(seed);
    let state = initial(topology, 0);
    let copy: typeof state | undefined;
    for (const [k, p] of passes.entries()) {
      if (k % 10 === seed % 10) copy = copyOf(state);
      // The copy goes first: what it shared with the state would show in the state's decisions.
      const other = copy && pass(copy, p);
      const mine = pass(state, p);
      state = mine.state;
      copy = other?.state;
      if (other) assert.equal(difference('copy', k, mine.decisions, other.decisions), undefined);
    }
  }
});

test('a difference in any field is one', () => {
  const { topology, passes } = randomSequence(7);
  const decided = (more: (k: number) => boolean) => {
    let state = initial(topology, 0);
    return passes.map((p, k) => {
      const next = pass(state, p, more(k) ? p.results.map(([i, j, , t]) => [i, j, 0, t] as const) : p.results);
      state = next.state;
      return structuredClone(next.decisions);
    });
  };
  const [a, b] = [decided(() => false), decided((k) => k > 20)];
  assert.ok(a.some((d, k) => difference('P8', k, d, b[k]!) !== undefined));
  const d = a.find(({ transitions }) => transitions.length > 0)!;
  const other = structuredClone(d);
  (other.transitions[0]!.evidence as { witnesses: number }).witnesses++;
  assert.match(difference('P8', 3, d, other)!.message, /^first difference in pass 3: /);
  assert.throws(() => difference('P8', 3, d, d), /one list/);
});
