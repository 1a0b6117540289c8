/** Compares what happened after a fault with what had to happen. Pure. */
import { isFault } from '../model/verdicts.ts';
import type { Transition } from './agent.ts';
import type { Tally } from './client.ts';
import type { Failure } from './dataplane.ts';
import type { Fault } from './faults.ts';
import type { Change } from './switchboard.ts';
import type { WantedChange, WantedVerdict } from './wanted.ts';

/** Everything seen from the fault (t0) until its healing. Times are ms of one clock. */
export interface Observation {
  readonly t0: number;
  readonly transitions: readonly Transition[];
  readonly changes: readonly Change[];
  readonly failures: readonly Failure[];
  /** Requests that began between the fault and the healing. */
  readonly requests: Readonly<Record<string, Tally>>;
  /** Requests of the service on all NICs that began after the last wanted action. */
  readonly afterActions?: Tally;
}

export interface Row {
  readonly fault: string;
  readonly title: string;
  readonly verdicts: readonly string[];
  readonly causes: readonly string[];
  /** ms from the fault to the last wanted verdict, to the last wanted action; undefined = none wanted or not come. */
  readonly verdictMs: number | undefined;
  readonly actionMs: number | undefined;
  readonly actions: readonly string[];
  /** Failed client requests of untouched services, and failed connections on untouched NICs' slices. Must be 0. */
  readonly othersFailed: number;
  /** Failed requests of the touched services. */
  readonly touchedFailed: number;
  readonly wrongActions: readonly string[];
  /** Empty = pass. */
  readonly problems: readonly string[];
  recoveryMs?: number;
}

const round = (n: number) => Math.round(n * 10) / 10;

/** A change in words: `slice web1 eth1 off`. */
export function describe(c: WantedChange & { readonly weight?: number }): string {
  const what = [c.kind === 'realServer' ? 'rs' : c.kind, c.service, c.nic, c.rs]
    .filter((p) => p !== undefined && p !== '')
    .join(' ');
  return c.weight === undefined ? what : `${what} ${c.weight === 0 ? 'off' : `${Math.round(c.weight * 100)} %`}`;
}

const same = (a: WantedChange, b: WantedChange) =>
  a.kind === b.kind && a.service === b.service && (a.nic ?? '') === (b.nic ?? '') && (a.rs ?? '') === (b.rs ?? '');

const fits = (w: WantedVerdict, t: Transition) =>
  t.subject === w.subject &&
  t.verdict === w.verdict &&
  (w.nic ?? t.nic) === t.nic &&
  (w.rs ?? t.rs) === t.rs &&
  (w.causes?.includes(t.cause) ?? true);

const name = (v: {
  subject: string;
  verdict: string;
  nic?: string | undefined;
  rs?: string | undefined;
  rack?: string | undefined;
}) => `${v.verdict}(${[v.nic, v.rs, v.rack].filter((p) => p !== undefined).join(' ')})`.replace('()', '');

/** The row of the matrix for one fault. */
export function evaluate(fault: Fault, o: Observation): Row {
  const problems: string[] = [];
  const verdictMs = fault.verdicts.map((w) => {
    const hit = o.transitions.find((t) => fits(w, t));
    if (hit === undefined) problems.push(`no ${name(w)}${w.causes ? ` by ${w.causes.join('/')}` : ''}`);
    else if (hit.t - o.t0 > w.withinMs) problems.push(`${name(w)} after ${round(hit.t - o.t0)} ms, allowed ${w.withinMs}`);
    return hit === undefined ? undefined : hit.t - o.t0;
  });
  const actionMs = fault.actions.map((w) => {
    const hit = o.changes.find((c) => same(w, c) && c.weight === 0);
    if (hit === undefined) problems.push(`not done: ${describe(w)}`);
    else if (hit.t - o.t0 > fault.actionsWithinMs)
      problems.push(`${describe(hit)} after ${round(hit.t - o.t0)} ms, allowed ${fault.actionsWithinMs}`);
    return hit === undefined ? undefined : hit.t - o.t0;
  });
  const expected = (t: Transition) =>
    !isFault(t.verdict) || fault.verdicts.some((w) => fits(w, t)) || fault.tolerates?.(t) === true;
  const strange = o.transitions.filter((t) => !expected(t));
  for (const t of strange) problems.push(`unexpected ${name(t)} ${t.cause} at ${round(t.t - o.t0)} ms`);
  const right = (c: Change) => (c.weight === 0 && fault.actions.some((w) => same(w, c))) || fault.permits?.(c) === true;
  const wrongActions = o.changes.filter((c) => !right(c)).map((c) => `${describe(c)} at ${round(c.t - o.t0)} ms`);
  for (const w of wrongActions) problems.push(`wrong action: ${w}`);

  const failed = (touched: boolean) =>
    Object.entries(o.requests)
      .filter(([service]) => fault.hurts.includes(service) === touched)
      .reduce((sum, [, t]) => sum + t.failed, 0);
  const otherSlices = o.failures.filter(
    (f) => fault.hurts.includes(f.service) && f.nic !== '' && !fault.hurtNics.includes(f.nic),
  ).length;
  const othersFailed = failed(false) + otherSlices;
  if (othersFailed > 0) problems.push(`${othersFailed} requests failed on slices the fault does not touch`);
  if (Object.values(o.requests).some((t) => t.sent === 0)) problems.push('the clients sent nothing');
  if (fault.cured && (o.afterActions?.failed ?? 0) > 0)
    problems.push(`${o.afterActions!.failed} requests of the service on all NICs failed after the action`);

  const last = (times: readonly (number | undefined)[]) =>
    times.length === 0 || times.includes(undefined) ? undefined : round(Math.max(...(times as number[])));
  const named = o.transitions.filter((t) => isFault(t.verdict));
  return {
    fault: fault.name,
    title: fault.title,
    verdicts: [...new Set(named.map(name))],
    causes: [...new Set(named.map((t) => t.cause))],
    verdictMs: last(verdictMs),
    actionMs: last(actionMs),
    actions: o.changes.map(describe),
    othersFailed,
    touchedFailed: failed(true),
    wrongActions,
    problems,
  };
}
