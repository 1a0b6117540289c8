/**
 * The properties P1–P11 that must hold for any evidence, and that a real server in quarantine, a restart or a reload in the
 * middle changes nothing. All of them are checked on every sequence, beside one another: pass by pass, the checks see what the
 * judge decided and what their own judges decide.
 */
import { LIMIT_TABLE } from '../../src/model/limits.ts';
import { VERDICTS } from '../../src/model/verdicts.ts';
import { initial } from '../../src/judge/judge.ts';
import { type Check, pass } from './check.ts';
import { Monotony, Permutation, Replay } from './property-checks.ts';
import { Quarantined } from './property-quarantine.ts';
import { Restart, Shrink } from './property-reloads.ts';
import { randomSequence, type Sequence } from './sequences.ts';
import { type Broken, Witness } from './witness.ts';

/** What is checked of a sequence, and of how many of 1 000 sequences. */
const CHECKS: readonly { readonly names: readonly string[]; readonly per1000: number; make(s: Sequence): Check }[] = [
  {
    names: ['P1', 'P2', 'P3', 'P4', 'P5', 'P9', 'P10', 'P11'],
    per1000: 1000,
    make(s) {
      const witness = new Witness(s.topology);
      return { after: (_, p, state, d) => witness.check(p, state, d) };
    },
  },
  { names: ['P6'], per1000: 1000, make: (s) => new Permutation(s) },
  { names: ['P7'], per1000: 1000, make: (s) => new Monotony(s) },
  { names: ['P8'], per1000: 1000, make: (s) => new Replay(s) },
  { names: ['quarantine'], per1000: 100, make: (s) => new Quarantined(s) },
  { names: ['restart'], per1000: 100, make: (s) => new Restart(s) },
  { names: ['shrink'], per1000: 100, make: (s) => new Shrink(s) },
];

/** How often the interesting things happened: a property about nothing proves nothing. */
export type Tally = Map<string, number>;

function count(tally: Tally, word: string): void {
  tally.set(word, (tally.get(word) ?? 0) + 1);
}

/** Judges a sequence with checks beside it. @returns the first property that is broken */
export function runChecks(s: Sequence, checks: readonly Check[], tally: Tally = new Map()): Broken | undefined {
  let state = initial(s.topology, 0);
  let now = 0;
  for (const [k, p] of s.passes.entries()) {
    for (const check of checks) check.before?.(k, state, now);
    const { state: next, decisions: d } = pass(state, p);
    state = next;
    now = p.now;
    for (const x of d.transitions) count(tally, x.cause === 'local_path' || x.cause === 'bfd' ? x.cause : x.verdict);
    for (const a of d.actions) count(tally, a.action);
    for (const b of d.blocked) count(tally, b.rule);
    for (const check of checks) {
      const broken = check.after(k, p, state, d);
      if (broken) return broken;
    }
  }
  return undefined;
}

/** Checks the properties on seeds `from` … `to`, and counts what was checked; throws at the first that is broken. */
export function prove(from: number, to: number, tally: Tally): void {
  for (let seed = from; seed < to; seed++) {
    // A multiplicative hash picks the seeds, so that every check sees every kind of world.
    const lot = (Math.imul(seed, 2_654_435_761) >>> 8) % 1000;
    const due = CHECKS.filter(({ per1000 }) => lot < per1000);
    const s = randomSequence(seed);
    const broken = runChecks(
      s,
      due.map((check) => check.make(s)),
      tally,
    );
    if (broken) throw new Error(`${broken.property} does not hold for seed ${seed}: ${broken.message}`);
    for (const name of due.flatMap((check) => check.names)) count(tally, `checked ${name}`);
    if (seed % 2 === 0) count(tally, 'checked reload');
  }
}

/** What must have happened often enough for the properties to mean something. */
export const EVENTS: readonly string[] = [
  ...VERDICTS.filter((name) => name !== 'OK'),
  'local_path',
  'bfd',
  'disable_nic',
  'enable_nic',
  'set_real_server',
  'disable_path',
  'enable_path',
  // No sequence has permits: nothing gives them yet.
  ...LIMIT_TABLE.map(({ name }) => name).filter((name) => name !== 'semaphore'),
];

/** Events that happened less than `least` times. */
export function rare(tally: Tally, least: number): string[] {
  return EVENTS.filter((e) => (tally.get(e) ?? 0) < least);
}
