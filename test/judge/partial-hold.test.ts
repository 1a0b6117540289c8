/** R4 when results are missing: what is not known for a moment proves nothing, so what forms does not begin again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial } from '../../src/judge/judge.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { play, say, type Shape, topology } from './world.ts';

/** From here on some real servers are dead through eth0, ms. */
const AT = 12_000;
/** NIC_PARTIAL holds for 3 T. */
const HOLD = 3000;
const seeds = (count: number) => Array.from({ length: count }, (_, k) => k + 1);
const SEEDS = seeds(8);

/** What the probes of a NIC to some real servers, else the first two, meet that start within `during`, ms after the fault. */
interface Disturbed {
  readonly nic?: number;
  readonly of?: (j: number) => boolean;
  readonly meet?: Outcome | 'none';
  readonly during?: readonly [from: number, to: number];
  /** Of the real servers so many are dead. */
  readonly dead?: number;
  /** The last real server is not probed through eth0 before, and times out then, ms after the fault. */
  readonly newAt?: number;
  readonly shape?: Partial<Shape>;
}

/** When NIC_PARTIAL is named, ms after the fault. */
function namedAfter(seed: number, disturbed: Disturbed): number {
  const { nic, of = (j) => j < 2, meet = 'late', during = [3000, 4000], dead = 4, newAt, shape } = disturbed;
  const servers = shape?.servers ?? 16;
  const cell = (i: number, j: number) => (t: number) => {
    if (newAt !== undefined && i === 0 && j === servers - 1) return t < AT + newAt ? 'none' : 'timeout';
    if (i === nic && of(j) && t >= AT + during[0] && t < AT + during[1]) return meet;
    return t >= AT && i === 0 && j < dead ? 'timeout' : 'ok';
  };
  const { transitions } = play(topology({ nics: 2, servers, ...shape }), { cell }, AT + 14_000, { seed });
  const named = transitions.find((x) => say(x) === 'NIC_PARTIAL(eth0)');
  return named === undefined ? Number.POSITIVE_INFINITY : named.t - AT;
}

const ONE_LATE: readonly (readonly [what: string, Disturbed])[] = [
  ['two of the failing cells', { nic: 0 }],
  ['two of their witnesses', { nic: 1 }],
  ['two of the failing cells, while another is new', { nic: 0, dead: 2, newAt: 3300, shape: { servers: 11 } }],
];
for (const [what, disturbed] of ONE_LATE)
  test(`it is not delayed by one late result of ${what}`, () => {
    for (const seed of SEEDS) {
      const still = namedAfter(seed, { ...disturbed, nic: -1 });
      const late = namedAfter(seed, disturbed);
      assert.ok(still <= 6200, `seed ${seed}: ${still} ms`);
      assert.ok(late <= still + 500, `seed ${seed}: ${late} ms, ${still} ms without late results`);
    }
  });

/** And from when on it is known again, ms after the fault. */
const BEGINS_AGAIN: readonly (readonly [when: string, Disturbed, since: number])[] = [
  ['they answered', { nic: 0, meet: 'ok', during: [3000, 4500] }, 4500],
  ['nothing is known of them for long', { nic: 0, meet: 'none', during: [3000, 7000] }, 7000],
  ['nothing is known of their witnesses for long', { nic: 1, meet: 'none', during: [3000, 7000] }, 7000],
  ['their witnesses failed too', { nic: 1, meet: 'timeout', during: [3000, 5000] }, 5000],
  [
    'for a moment nothing good is known of the NIC',
    { nic: 0, of: (j) => j >= 2, during: [2000, 4000], dead: 2, shape: { servers: 5 } },
    4000,
  ],
  [
    'all failed that could bear witness, though another NIC of its group did not',
    { nic: 1, meet: 'timeout', during: [3000, 5000], shape: { nics: 3, group: (i) => ['a', 'b', 'a'][i]! } },
    5000,
  ],
];
for (const [when, disturbed, since] of BEGINS_AGAIN)
  test(`it begins again when ${when}`, () => {
    for (const seed of SEEDS) {
      const after = namedAfter(seed, disturbed);
      assert.ok(after >= since + HOLD && after < Number.POSITIVE_INFINITY, `seed ${seed}: ${after} ms`);
    }
  });

test('it begins with what is known, not with what was', () => {
  for (const seed of seeds(40)) {
    const after = namedAfter(seed, { nic: 1, meet: 'none', during: [-200, 2200] });
    assert.ok(after >= 2200 + HOLD && after < Number.POSITIVE_INFINITY, `seed ${seed}: ${after} ms`);
  }
});

test('it needs as many witnesses as any verdict of a NIC', () => {
  assert.equal(namedAfter(1, { shape: { rules: { nic_min_witnesses: 17 } } }), Number.POSITIVE_INFINITY);
});

test('it begins when a cold start is over', () => {
  const shape = topology({ nics: 2, servers: 16 });
  const dead = (i: number, j: number) => () => (i === 0 && j < 4 ? ('timeout' as const) : ('ok' as const));
  for (const seed of SEEDS) {
    const { transitions } = play(shape, { cell: dead }, 12_000, { seed });
    const named = transitions.find((x) => say(x) === 'NIC_PARTIAL(eth0)')?.t ?? Number.POSITIVE_INFINITY;
    const over = initial(shape, 0).agent.coldUntil;
    assert.ok(named >= over + HOLD && named <= over + HOLD + 200, `seed ${seed}: ${named} ms, cold until ${over} ms`);
  }
});
