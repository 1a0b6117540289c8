/**
 * A simulated world for the judge: lanes that probe cells at random phases and confirm at T/5, over links and servers that obey a
 * fault.
 */
import { formatObservation } from '../../src/judge/evidence/codecs.ts';
import { formatHeader } from '../../src/judge/evidence/header.ts';
import { formatResult } from '../../src/judge/evidence/result.ts';
import { initial, type JudgeState, judge } from '../../src/judge/judge.ts';
import { type Facts, newBatch, type Observation, type ResultBatch } from '../../src/model/facts.ts';
import { type Outcome, outcomeCode, SERVICE_EVIDENCE } from '../../src/model/outcome.ts';
import type { JudgeRealServer, Topology } from '../../src/model/topology.ts';
import type { Action, BlockedAction, Decisions, Transition } from '../../src/model/verdict.ts';

/** Repeatable random numbers 0–1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Shape {
  readonly nics: number;
  readonly servers: number;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly fall?: number;
  readonly rise?: number;
  /** Rack of real server j; undefined = none. */
  readonly rack?: (j: number) => string | undefined;
  readonly anchors?: (i: number) => readonly string[];
  readonly group?: (i: number) => string;
  readonly services?: Topology['services'];
  readonly server?: (j: number) => Partial<JudgeRealServer>;
  readonly rules?: Readonly<Record<string, number>>;
}

const upTo = (n: number) => Array.from({ length: n }, (_, k) => k);

/** NICs eth0…, real servers 10.0.x.y:80, one service over everything unless told otherwise. */
export function topology(s: Shape): Topology {
  return {
    intervalMs: s.intervalMs ?? 1000,
    timeoutMs: s.timeoutMs ?? 500,
    fall: s.fall ?? 3,
    rise: s.rise ?? 2,
    nics: upTo(s.nics).map((i) => ({
      name: `eth${i}`,
      group: s.group?.(i) ?? `eth${i}`,
      anchors: s.anchors?.(i) ?? [`192.0.2.${i + 1}`],
    })),
    realServers: upTo(s.servers).map((j) => {
      const rack = s.rack?.(j);
      const id = `10.0.${j >> 8}.${j & 255}:80`;
      return { id, key: id, ...(rack === undefined ? {} : { rack }), ...s.server?.(j) };
    }),
    services: s.services ?? [{ name: 'web', nics: upTo(s.nics), realServers: upTo(s.servers), panic: 0.5 }],
    rules: s.rules ?? {},
  };
}

/** What a probe meets that starts at `t`; 'none' = the probe isn't made. */
export type Meets = (t: number, random: () => number) => Outcome | 'none';
export interface Fault {
  readonly cell?: (i: number, j: number) => Meets;
  readonly anchor?: (i: number) => Meets;
  /** Carrier changes and other observations, in order. */
  readonly links?: readonly Observation[];
  /** Passes and probes rest between these times (the agent is stopped). */
  readonly stopped?: readonly [number, number];
}

interface Prober {
  readonly i: number;
  readonly target: number;
  readonly interval: number;
  readonly timeout: number;
  readonly fall: number;
  readonly rise: number;
  readonly meets: Meets;
  start: number;
  streak: number;
}

/** From `at` on, with four NICs and 20 real servers: a lossy and a failed NIC, dead paths, a dead rack, one that refuses. */
export const troubled = (at: number) => (i: number, j: number) => (t: number, random: () => number) => {
  if (t < at) return 'ok';
  if (i === 0 || (i === 1 && j === 1) || j > 16) return 'timeout';
  if (j === 2) return 'refused';
  return i === 2 && random() < 0.3 ? 'timeout' : 'ok';
};

export interface Run {
  readonly transitions: readonly Transition[];
  readonly actions: readonly { readonly t: number; readonly action: Action }[];
  readonly blocked: readonly { readonly t: number; readonly blocked: BlockedAction }[];
  readonly log: readonly string[];
  readonly state: JudgeState;
}

/** Called after each pass; may replace the state (a restart, a reload). */
export type AfterPass = (state: JudgeState, decisions: Decisions, now: number) => JudgeState | undefined;

/** Plays `fault` from 0 to `untilMs` with passes every T/10. Baseline loss `loss` is added to every probe. */
export function play(
  t: Topology,
  fault: Fault,
  untilMs: number,
  options: { seed?: number; loss?: number; after?: AfterPass } = {},
): Run {
  const { seed = 1, loss = 0, after } = options;
  const random = randomFrom(seed);
  const probers = makeProbers(t, fault, random);
  const step = Math.min(...t.realServers.map((r) => r.intervalMs ?? t.intervalMs), t.intervalMs) / 10;
  const pending: { at: number; p: Prober; outcome: number }[] = [];
  const run = {
    transitions: [] as Transition[],
    actions: [] as Run['actions'][number][],
    blocked: [] as Run['blocked'][number][],
  };
  const log = [formatHeader(t)];
  const batch = newBatch(probers.length * 40);
  const links = [...(fault.links ?? [])];
  let state = initial(t, 0);
  const [from, to] = fault.stopped ?? [0, 0];
  for (let now = 0; now <= untilMs; now += step) {
    if (now >= from && now < to) continue;
    for (const p of probers) {
      if (p.start >= from && p.start < to) p.start = to + random() * p.interval;
      while (p.start <= now) probe(p, pending, loss, random);
    }
    const facts = gather(batch, pending, links, now);
    for (const fact of facts.observations) log.push(formatObservation(t, fact));
    for (let k = 0; k < batch.count; k++) log.push(formatResult(t, batch, k));
    const result = judge(state, facts, now);
    state = after?.(result.state, result.decisions, now) ?? result.state;
    run.transitions.push(...result.decisions.transitions);
    for (const action of result.decisions.actions) run.actions.push({ t: now, action });
    for (const blocked of result.decisions.blocked) run.blocked.push({ t: now, blocked });
  }
  return { ...run, log, state };
}

function makeProbers(t: Topology, fault: Fault, random: () => number): Prober[] {
  const good: Meets = () => 'ok';
  return t.nics.flatMap((nic, i) => [
    ...t.realServers.map((r, j) => {
      const interval = r.intervalMs ?? t.intervalMs;
      const timing = { interval, timeout: r.timeoutMs ?? t.timeoutMs, fall: r.fall ?? t.fall, rise: r.rise ?? t.rise };
      return { i, target: j, ...timing, meets: fault.cell?.(i, j) ?? good, start: random() * interval, streak: 1 };
    }),
    ...nic.anchors.map((_, a) => {
      const timing = { interval: t.intervalMs / 5, timeout: t.timeoutMs, fall: t.fall, rise: t.rise };
      return { i, target: -a - 1, ...timing, meets: fault.anchor?.(i) ?? good, start: (random() * t.intervalMs) / 5, streak: 1 };
    }),
  ]);
}

function probe(p: Prober, pending: { at: number; p: Prober; outcome: number }[], loss: number, random: () => number): void {
  const met = p.meets(p.start, random);
  const started = p.start;
  p.start += p.interval;
  if (met === 'none') return;
  const outcome = outcomeCode(loss > 0 && random() < loss ? 'timeout' : met);
  const at = started + (outcome >= 4 && outcome <= 5 ? p.timeout : 1);
  const good = (SERVICE_EVIDENCE[outcome] ?? 0) > 0;
  p.streak = good ? Math.max(p.streak, 0) + 1 : Math.min(p.streak, 0) - 1;
  const confirming = good ? p.streak < p.rise : -p.streak < p.fall;
  p.start = Math.max(started + (confirming ? p.interval / 5 : p.interval), at);
  pending.push({ at: Math.round(at), p, outcome });
}

function gather(
  batch: ResultBatch,
  pending: { at: number; p: Prober; outcome: number }[],
  links: Observation[],
  now: number,
): Facts {
  pending.sort((a, b) => a.at - b.at);
  batch.count = 0;
  while (pending.length > 0 && pending[0]!.at <= now) {
    const { at, p, outcome } = pending.shift()!;
    const k = batch.count++;
    batch.nic[k] = p.i;
    batch.target[k] = p.target;
    batch.outcome[k] = outcome;
    batch.t[k] = at;
  }
  const due = links.filter((f) => f.t <= now);
  links.splice(0, due.length);
  return { results: batch, observations: due };
}

/** `NIC_FAIL(eth0 link)` and the like: one word per transition. */
export function say(x: Transition): string {
  const subject = [x.nic, x.rs, x.rack].filter((n) => n !== undefined).join('>');
  const inside = [subject, x.cause === 'none' ? '' : x.cause].filter((n) => n !== '').join(' ');
  return `${x.verdict}${inside === '' ? '' : `(${inside})`}`;
}
