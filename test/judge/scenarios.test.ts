/** Simulated faults: what is named, how soon, and that nothing else is. Times are ms from the fault to the verdict. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transition } from '../../src/model/verdict.ts';
import { type Fault, type Meets, play, say, type Shape, topology } from './world.ts';

const AT = 12_000;
const SEEDS = [1, 2, 3];
const SIZES = [
  [2, 20],
  [4, 40],
] as const;

type Bad = (i: number, j: number, random: () => number) => boolean;

function faulty(
  bad: Bad,
  anchorBad: (i: number) => boolean = () => false,
  outcome: 'timeout' | 'refused' | 'l7' = 'timeout',
): Fault {
  const cell =
    (i: number, j: number): Meets =>
    (t, random) =>
      t >= AT && bad(i, j, random) ? outcome : 'ok';
  return { cell, anchor: (i) => (t) => (t >= AT && anchorBad(i) ? 'timeout' : 'ok') };
}

interface Expected {
  /** Transition (as `say` writes it) and the latest time after the fault, ms. */
  readonly within: Readonly<Record<string, number>>;
  /** Also tolerated. */
  readonly also?: (x: Transition) => boolean;
}

const rs = (j: number) => `10.0.0.${j}:80`;
const rsDown = (n: number, cause: string, ms: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, j) => [`RS_DOWN(${rs(j)} ${cause})`, ms]));
const paths = (n: number, ms: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, j) => [`PATH(eth0>${rs(j)} link)`, ms]));

interface Scenario {
  readonly name: string;
  readonly fault: (m: number) => Fault;
  readonly expected: (n: number, m: number) => Expected;
  readonly shape?: Partial<Shape>;
  readonly forMs?: number;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'one NIC down',
    fault: () =>
      faulty(
        (i) => i === 0,
        (i) => i === 0,
      ),
    expected: () => ({ within: { 'NIC_FAIL(eth0 link)': 3900 } }),
  },
  {
    name: 'upstream fault, gateway answers',
    fault: () => faulty((i) => i === 0),
    expected: () => ({ within: { 'NIC_FAIL(eth0 upstream)': 3900 } }),
  },
  { name: 'one RS down', fault: () => faulty((_, j) => j === 0), expected: () => ({ within: rsDown(1, 'unreachable', 3700) }) },
  {
    name: 'one RS refuses',
    fault: () => faulty((_, j) => j === 0, undefined, 'refused'),
    expected: () => ({ within: rsDown(1, 'refused', 3050) }),
  },
  {
    name: 'one RS answers wrongly',
    fault: () => faulty((_, j) => j === 0, undefined, 'l7'),
    expected: () => ({ within: rsDown(1, 'l7', 3050) }),
  },
  {
    name: 'one NIC and one RS together',
    fault: () =>
      faulty(
        (i, j) => i === 0 || j === 0,
        (i) => i === 0,
      ),
    expected: () => ({ within: { ...rsDown(1, 'unreachable', 3800), 'NIC_FAIL(eth0 link)': 3900 } }),
  },
  {
    name: 'a rack of 30 % of the RS',
    fault: (m) => faulty((_, j) => j < 0.3 * m),
    shape: { rack: (j) => (j < 6 ? 'a' : 'b') },
    expected: (n, m) => ({
      within: { ...rsDown(0.3 * m, 'unreachable', 3700), ...(n === 2 ? { 'RACK_FAULT(a)': 3700 } : {}) },
      also: (x) => x.subject === 'rack',
    }),
  },
  {
    name: '80 % of the RS',
    fault: (m) => faulty((_, j) => j < 0.8 * m),
    expected: (_, m) => ({ within: rsDown(0.8 * m, 'unreachable', 6500) }),
  },
  { name: 'all RS dead, anchors good', fault: () => faulty(() => true), expected: () => ({ within: { ALL_RS_DOWN: 3700 } }) },
  {
    name: 'every health page broken',
    fault: () => faulty(() => true, undefined, 'l7'),
    expected: () => ({ within: { ALL_RS_DOWN: 2000 } }),
  },
  {
    name: 'agent isolated',
    fault: () =>
      faulty(
        () => true,
        () => true,
      ),
    expected: () => ({ within: { AGENT_ISOLATED: 3700 } }),
  },
  {
    name: 'RS dead by one NIC only',
    fault: () => faulty((i, j) => i === 0 && j === 0),
    expected: () => ({ within: paths(1, 3700) }),
  },
  {
    name: 'ECMP 25 % on one NIC',
    fault: (m) => faulty((i, j) => i === 0 && j < 0.25 * m),
    expected: (_, m) => ({ within: { ...paths(0.25 * m, 3700), 'NIC_PARTIAL(eth0)': 6200 } }),
  },
  {
    name: 'ECMP 60 % on one NIC',
    fault: (m) => faulty((i, j) => i === 0 && j < 0.6 * m),
    expected: (_, m) => ({ within: { ...paths(0.6 * m, 3800), 'NIC_PARTIAL(eth0)': 6200 } }),
  },
  {
    name: 'gray NIC, 30 % loss',
    fault: () => faulty((i, _, random) => i === 0 && random() < 0.3),
    expected: () => ({ within: { 'NIC_PARTIAL(eth0 lossy)': 5600 }, also: (x) => x.subject === 'path' }),
  },
  {
    name: 'gray NIC, 70 % loss',
    fault: () => faulty((i, _, random) => i === 0 && random() < 0.7),
    expected: () => ({
      within: { 'NIC_PARTIAL(eth0 lossy)': 5600 },
      also: (x) => x.subject === 'path' || say(x).startsWith('NIC_FAIL(eth0'),
    }),
    forMs: 20_000,
  },
  {
    name: 'agent stalled for 6 s',
    fault: () => ({ stopped: [AT, AT + 6000] }),
    expected: () => ({ within: { AGENT_STALLED: 6200 } }),
  },
];

for (const [n, m] of SIZES) {
  for (const { name, fault, expected, shape, forMs = 9000 } of scenarios) {
    test(`${n}×${m} ${name}`, () => {
      for (const seed of SEEDS) {
        const t = topology({
          nics: n,
          servers: m,
          ...shape,
          ...(shape?.rack && n === 4 ? { rack: (j) => (j < 12 ? 'a' : 'b') } : {}),
        });
        const run = play(t, fault(m), AT + forMs, { seed, loss: 0.001 });
        const { within, also } = expected(n, m);
        const named = run.transitions.filter((x) => x.verdict !== 'OK' && x.verdict !== 'SUSPECT');
        for (const [word, ms] of Object.entries(within)) {
          const said = named.find((x) => say(x) === word);
          assert.ok(said, `seed ${seed}: ${word} was not said, only ${named.map(say).join(' ')}`);
          assert.ok(said.t - AT <= ms, `seed ${seed}: ${word} after ${said.t - AT} ms`);
        }
        const wrong = named.filter((x) => !(say(x) in within) && !also?.(x));
        assert.deepEqual(wrong.map(say), [], `seed ${seed}: wrong verdicts`);
        if (run.state.wanted.frozen !== '') assert.deepEqual(run.actions, [], `seed ${seed}: actions in a freeze`);
      }
    });
  }
}

test('PATH noise stays away from a lossy NIC', () => {
  let noise = 0;
  for (const seed of SEEDS) {
    for (const p of [0.3, 0.7]) {
      const run = play(
        topology({ nics: 4, servers: 40 }),
        faulty((i, _, random) => i === 0 && random() < p),
        AT + 20_000,
        { seed },
      );
      noise += run.transitions.filter((x) => x.verdict === 'PATH').length;
    }
  }
  assert.ok(noise <= 3, `${noise} PATH verdicts in six runs; without suppression there are dozens`);
});

for (const [n, m, loss, ms] of [
  [2, 20, 0.01, 600_000],
  [2, 20, 0.03, 600_000],
  [4, 40, 0.01, 300_000],
  [4, 40, 0.001, 300_000],
] as const) {
  test(`${n}×${m} without fault at ${loss * 100} % loss: nothing is said`, () => {
    const run = play(topology({ nics: n, servers: m }), {}, ms, { seed: 5, loss });
    assert.deepEqual(run.transitions.map(say), []);
    assert.deepEqual(run.actions, []);
  });
}

test('one NIC only: its death and that of a real server', () => {
  for (const seed of SEEDS) {
    const shape = topology({ nics: 1, servers: 20 });
    const dead = play(
      shape,
      faulty(
        () => true,
        () => true,
      ),
      AT + 9000,
      { seed, loss: 0.001 },
    );
    assert.deepEqual(dead.transitions.filter((x) => x.verdict !== 'SUSPECT').map(say), ['AGENT_ISOLATED', 'NIC_FAIL(eth0 link)']);
    assert.deepEqual(dead.actions, []);
    const one = play(
      shape,
      faulty((_, j) => j === 3),
      AT + 9000,
      { seed, loss: 0.001 },
    );
    assert.deepEqual(one.transitions.map(say), [`RS_DOWN(${rs(3)} unreachable)`]);
  }
});

test('a refused real server is down within fall × interval + 50 ms whatever the interval', () => {
  for (const intervalMs of [200, 500, 1000, 2000]) {
    for (const seed of SEEDS) {
      const shape = topology({ nics: 3, servers: 12, intervalMs, timeoutMs: intervalMs / 2 });
      const run = play(
        shape,
        faulty((_, j) => j === 0, undefined, 'refused'),
        AT + 4 * intervalMs,
        { seed },
      );
      const down = run.transitions.find((x) => x.verdict === 'RS_DOWN');
      assert.ok(down && down.t - AT <= 3 * intervalMs + 50, `T = ${intervalMs}: ${down && down.t - AT} ms`);
      assert.equal(down.actions.length, 1, 'and acted upon in the same pass');
    }
  }
});
