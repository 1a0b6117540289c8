/** The properties P1–P8 that must hold for any evidence, and that a restart or a reload in the middle changes nothing. */
import { initial, type JudgeState, judge } from '../../src/judge/judge.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import { newBatch } from '../../src/model/facts.ts';
import { OK } from '../../src/model/outcome.ts';
import type { Decisions, VerdictName } from '../../src/model/verdict.ts';
import { fill, type PassFacts, permuted, randomSequence, type Result, type Sequence } from './sequences.ts';
import { type Broken, Witness } from './witness.ts';
import { randomFrom, say } from './world.ts';

const batch = newBatch(256);

/** How often the interesting things happened: a property about nothing proves nothing. */
export type Tally = Map<string, number>;

/** Runs a sequence; `between` may replace the state before pass k, `add` may add results to it. */
export function run(
  s: Sequence,
  seen: (k: number, p: PassFacts, state: JudgeState, d: Decisions) => void,
  change: {
    between?: (k: number, state: JudgeState, now: number) => JudgeState;
    add?: (k: number, p: PassFacts) => readonly Result[];
  } = {},
): void {
  let state = initial(s.topology, 0);
  let now = 0;
  s.passes.forEach((p, k) => {
    state = change.between?.(k, state, now) ?? state;
    now = p.now;
    const rows = change.add === undefined ? p.results : [...p.results, ...change.add(k, p)];
    const result = judge(state, { results: fill(batch, rows), observations: p.observations }, p.now);
    state = result.state;
    seen(k, p, state, result.decisions);
  });
}

/** P1–P5. */
export function checkInvariants(seed: number, tally: Tally): Broken | undefined {
  const s = randomSequence(seed);
  const witness = new Witness(s.topology);
  let broken: Broken | undefined;
  run(s, (_, p, state, d) => {
    broken ??= witness.check(p, state, d);
    for (const x of d.transitions) count(tally, x.verdict);
    for (const a of d.actions) count(tally, a.action);
    for (const b of d.blocked) count(tally, b.rule);
  });
  return broken;
}

function count(tally: Tally, word: string): void {
  tally.set(word, (tally.get(word) ?? 0) + 1);
}

/** Everything said in a run, pass by pass, without order inside a pass. */
function said(s: Sequence): string[] {
  const out: string[] = [];
  run(s, (k, _, __, d) => out.push(...d.transitions.map((x) => `${k} ${say(x)}`).toSorted()));
  return out;
}

/** P6. */
export function checkPermutation(seed: number): Broken | undefined {
  const s = randomSequence(seed);
  const [a, b] = [said(s), said(permuted(s))];
  return a.join() === b.join() ? undefined : { property: 'P6', message: `${a.join(' ')} became ${b.join(' ')}` };
}

/** DATA_PATH_FAULT is none here: that the probes are good is its premise. */
const RANK: Partial<Record<VerdictName, number>> = { RS_DOWN: 4, NIC_FAIL: 4, FLAPPING: 4, PROBE_PATH_FAULT: 3, NIC_PARTIAL: 2 };

/**
 * P7: one more good result in the last pass of a prefix declares nothing worse of its NIC and its real server than was declared without it.
 * (It may bring the losses of a cell into the statistics that had no good result for long, and so put a recovery off.)
 */
export function checkMonotony(seed: number): Broken | undefined {
  const s = randomSequence(seed);
  const random = randomFrom(seed ^ 0x2545f491);
  const at = 10 + Math.floor(random() * (s.passes.length - 10));
  const i = Math.floor(random() * s.topology.nics.length);
  const j = Math.floor(random() * s.topology.realServers.length);
  const prefix = { ...s, passes: s.passes.slice(0, at + 1) };
  /** How bad NIC and real server are called in the end, and what the last pass declared of them. */
  const called = (add: boolean): { end: number[]; declared: number[] } => {
    const end = [0, 0];
    const declared = [0, 0];
    const note = (k: number, _: PassFacts, state: JudgeState, d: Decisions) => {
      for (const x of d.transitions) {
        const which =
          x.subject === 'nic' && x.nic === s.topology.nics[i]!.name
            ? 0
            : x.subject === 'rs' && x.rs === s.topology.realServers[j]!.id
              ? 1
              : 2;
        if (which === 2) continue;
        end[which] = RANK[x.verdict] ?? 0;
        if (k === at) declared[which] = end[which];
      }
      // Where R3 is about to speak, R4 speaking instead is no worse.
      if (k === at && state.nics.failSince[i]! > 0) end[0] = Math.max(end[0]!, RANK.NIC_PARTIAL!);
    };
    run(prefix, note, { add: (k, p) => (add && k === at ? [[i, j, OK, p.now]] : []) });
    return { end, declared };
  };
  const [without, more] = [called(false), called(true)];
  const worse = more.declared.findIndex((rank, which) => rank > without.end[which]!);
  if (worse < 0) return undefined;
  return {
    property: 'P7',
    message: `a good result of NIC ${i} at ${j} made ${worse === 0 ? 'the NIC' : 'the real server'} worse`,
  };
}

/** Everything decided in a run, as text. */
function decided(s: Sequence, between?: (k: number, state: JudgeState, now: number) => JudgeState): string {
  let text = '';
  run(
    s,
    (k, _, __, d) => {
      if (d.transitions.length + d.actions.length + d.blocked.length > 0)
        text += `${k} ${JSON.stringify([d.transitions, d.actions, d.blocked])}\n`;
    },
    between === undefined ? {} : { between },
  );
  return text;
}

function same(property: string, a: string, b: string): Broken | undefined {
  if (a === b) return undefined;
  const [x, y] = [a.split('\n'), b.split('\n')];
  const k = x.findIndex((line, n) => line !== y[n]);
  return { property, message: `first difference: ${x[k]?.slice(0, 400)} | ${y[k]?.slice(0, 400)}` };
}

/** P8. */
export function checkReplay(seed: number): Broken | undefined {
  const s = randomSequence(seed);
  return same('P8', decided(s), decided(s));
}

/** A restart in the middle of the evidence goes on as if there had been none. */
export function checkRestart(seed: number): Broken | undefined {
  const s = randomSequence(seed, false);
  const at = 5 + (seed % (s.passes.length - 10));
  const restarted = decided(s, (k, state, now) => {
    return k === at ? fromSnapshot(s.topology, JSON.parse(JSON.stringify(toSnapshot(state))), now, 0) : state;
  });
  // The loss window starts empty: what it would have shown is in the evidence of both, but not the same.
  const withoutLoss = (text: string) => text.replace(/"loss":[^}]*/g, '');
  return same('restart', withoutLoss(decided(s)), withoutLoss(restarted));
}

/** A reload that changes nothing goes on as if there had been none; so does one that reorders everything, in other words. */
export function checkReload(seed: number): Broken | undefined {
  const s = randomSequence(seed);
  const at = 5 + (seed % (s.passes.length - 10));
  return same(
    'reload',
    decided(s),
    decided(s, (k, state, now) => (k === at ? retopologise(state, structuredClone(s.topology), now) : state)),
  );
}

/** P3 and P4 across a reload that takes a NIC and a real server away. */
export function checkShrink(seed: number): Broken | undefined {
  const s = randomSequence(seed);
  const { topology: t } = s;
  const at = 5 + (seed % (s.passes.length - 10));
  if (t.nics.length < 2 || t.realServers.length < 2) return undefined;
  const keep = (list: readonly number[], gone: number) => list.flatMap((x) => (x === gone ? [] : [x > gone ? x - 1 : x]));
  const [i, j] = [seed % t.nics.length, seed % t.realServers.length];
  const smaller = {
    ...t,
    nics: t.nics.filter((_, k) => k !== i),
    realServers: t.realServers.filter((_, k) => k !== j),
    services: t.services.map((v) => ({ ...v, nics: keep(v.nics, i), realServers: keep(v.realServers, j) })),
  };
  const mapped: Sequence = {
    ...s,
    passes: s.passes.map((p, k) => {
      if (k < at) return p;
      const down = (x: number, gone: number) => (x > gone ? x - 1 : x);
      return {
        now: p.now,
        results: p.results.flatMap(([a, b, o, time]): Result[] =>
          a === i || b === j ? [] : [[down(a, i), b < 0 ? b : down(b, j), o, time]],
        ),
        observations: p.observations.flatMap((f) => (f.nic === i || f.kind !== 'link' ? [] : [{ ...f, nic: down(f.nic, i) }])),
      };
    }),
  };
  let broken: Broken | undefined;
  run(
    mapped,
    (_, __, ___, d) => {
      const on = d.wanted.nicEnabled.reduce((x, y) => x + y, 0);
      const most = Math.floor(t.rules['max_nics_fraction']! * d.wanted.nicEnabled.length);
      if (on < 1 || d.wanted.nicEnabled.length - on > most)
        broken ??= { property: 'P4', message: `after a reload ${on} NICs are left` };
      if (d.wanted.frozen !== '' && d.actions.length > 0)
        broken ??= { property: 'P3', message: 'an action in a freeze after a reload' };
    },
    { between: (k, state, now) => (k === at ? retopologise(state, smaller, now) : state) },
  );
  return broken;
}

/** What is checked for each seed, with how many of 1 000 seeds it gets. */
export const CHECKS: readonly (readonly [
  name: string,
  per1000: number,
  check: (seed: number, tally: Tally) => Broken | undefined,
])[] = [
  ['P1–P5', 1000, checkInvariants],
  ['P6', 80, checkPermutation],
  ['P7', 120, checkMonotony],
  ['P8', 10, checkReplay],
  ['restart', 30, checkRestart],
  ['reload', 30, checkReload],
  ['shrink', 30, checkShrink],
];

/** Checks seeds `from` … `to`, the costly checks for some of them; throws at the first property that is broken. */
export function prove(from: number, to: number, tally: Tally): void {
  for (let seed = from; seed < to; seed++) {
    // A multiplicative hash picks the seeds, so that every check sees every kind of world.
    const lot = (Math.imul(seed, 2_654_435_761) >>> 8) % 1000;
    for (const [name, per1000, check] of CHECKS) {
      if (lot >= per1000) continue;
      const broken = check(seed, tally);
      count(tally, `checked ${name}`);
      if (broken) throw new Error(`${broken.property} does not hold for seed ${seed}: ${broken.message}`);
    }
  }
}

/** What must have happened often enough for the properties to mean something. */
export const EVENTS = [
  'NIC_FAIL',
  'NIC_PARTIAL',
  'FLAPPING',
  'PROBE_PATH_FAULT',
  'DATA_PATH_FAULT',
  'SUSPECT',
  'PATH',
  'RS_DOWN',
  'RACK_FAULT',
  'ALL_RS_DOWN',
  'AGENT_ISOLATED',
  'AGENT_STALLED',
  'disable_nic',
  'enable_nic',
  'set_real_server',
  'disable_path',
  'enable_path',
  'last_nic',
  'half_nics',
  'panic',
  'budget_service',
  'budget_agent',
  'freeze',
] as const;

/** Events that happened less than `least` times. */
export function rare(tally: Tally, least: number): string[] {
  return EVENTS.filter((e) => (tally.get(e) ?? 0) < least);
}
