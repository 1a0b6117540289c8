/** Compares what happened after a fault with what had to happen. Pure. */
import { isFault } from '../model/verdicts.ts';
import type { Transition } from './agent.ts';
import type { Failure } from './dataplane.ts';
import type { Fault } from './faults.ts';
import type { Change } from './switchboard.ts';
import type { Requests, Tally } from './tally.ts';
import type { WantedChange, WantedVerdict } from './wanted.ts';

/** Everything seen from the fault (t0) until its healing. Times are ms of one clock. */
export interface Observation {
  readonly t0: number;
  /** ms that applying the fault took, which count: a kernel that is busy with other namespaces lets its commands wait. */
  readonly applyMs: number;
  readonly transitions: readonly Transition[];
  readonly changes: readonly Change[];
  readonly failures: readonly Failure[];
  /** Requests that were under way at any time between the fault and the healing. */
  readonly requests: Requests;
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
  /** What became of routes, where routing daemons run. */
  readonly routes?: readonly string[];
}

const round = (ms: number) => Math.round(ms * 10) / 10;

/** A change in words: `slice web1 eth1 off`. */
export function describe(change: WantedChange & { readonly weight?: number }): string {
  const what = [change.kind === 'realServer' ? 'rs' : change.kind, change.service, change.nic, change.rs]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
  return change.weight === undefined ? what : `${what} ${change.weight === 0 ? 'off' : `${Math.round(change.weight * 100)} %`}`;
}

const same = (wantedChange: WantedChange, each: WantedChange) =>
  wantedChange.kind === each.kind &&
  wantedChange.service === each.service &&
  (wantedChange.nic ?? '') === (each.nic ?? '') &&
  (wantedChange.rs ?? '') === (each.rs ?? '');

const fits = (wantedVerdict: WantedVerdict, t: Transition) =>
  t.subject === wantedVerdict.subject &&
  t.verdict === wantedVerdict.verdict &&
  (wantedVerdict.nic ?? t.nic) === t.nic &&
  (wantedVerdict.rs ?? t.rs) === t.rs &&
  (wantedVerdict.causes?.includes(t.cause) ?? true);

const name = (verdict: {
  subject: string;
  verdict: string;
  nic?: string | undefined;
  rs?: string | undefined;
  rack?: string | undefined;
}) =>
  `${verdict.verdict}(${[verdict.nic, verdict.rs, verdict.rack].filter((part) => part !== undefined).join(' ')})`.replace(
    '()',
    '',
  );

/** The row of the matrix for one fault. */
export function evaluate(fault: Fault, observation: Observation): Row {
  const problems: string[] = [];
  const late = (what: string, ms: number, allowed: number) =>
    `${what} after ${round(ms)} ms, allowed ${allowed}; ${round(observation.applyMs)} ms of them to apply the fault`;
  const verdictMs = fault.verdicts.map((verdict) => {
    const hit = observation.transitions.find((t) => fits(verdict, t));
    if (hit === undefined) problems.push(`no ${name(verdict)}${verdict.causes ? ` by ${verdict.causes.join('/')}` : ''}`);
    else if (hit.t - observation.t0 > verdict.withinMs)
      problems.push(late(name(verdict), hit.t - observation.t0, verdict.withinMs));
    return hit === undefined ? undefined : hit.t - observation.t0;
  });
  const actionMs = fault.actions.map((action) => {
    const hit = observation.changes.find((change) => same(action, change) && change.weight === 0);
    if (hit === undefined) problems.push(`not done: ${describe(action)}`);
    else if (hit.t - observation.t0 > fault.actionsWithinMs)
      problems.push(late(describe(hit), hit.t - observation.t0, fault.actionsWithinMs));
    return hit === undefined ? undefined : hit.t - observation.t0;
  });
  const expected = (t: Transition) =>
    !isFault(t.verdict) || fault.verdicts.some((verdict) => fits(verdict, t)) || fault.tolerates?.(t) === true;
  const strange = observation.transitions.filter((t) => !expected(t));
  for (const t of strange) problems.push(`unexpected ${name(t)} ${t.cause} at ${round(t.t - observation.t0)} ms`);
  const right = (change: Change) =>
    (change.weight === 0 && fault.actions.some((action) => same(action, change))) || fault.permits?.(change) === true;
  const wrongActions = observation.changes
    .filter((change) => !right(change))
    .map((change) => `${describe(change)} at ${round(change.t - observation.t0)} ms`);
  for (const wrongAction of wrongActions) problems.push(`wrong action: ${wrongAction}`);

  const failed = (touched: boolean) =>
    Object.entries(observation.requests)
      .filter(([service]) => fault.hurts.includes(service) === touched)
      .reduce((sum, [, t]) => sum + t.failed, 0);
  const otherSlices = observation.failures.filter(
    (failure) => fault.hurts.includes(failure.service) && failure.nic !== '' && !fault.hurtNics.includes(failure.nic),
  ).length;
  const othersFailed = failed(false) + otherSlices;
  if (othersFailed > 0) problems.push(`${othersFailed} requests failed on slices the fault does not touch`);
  if (Object.values(observation.requests).some((t) => t.sent === 0)) problems.push('the clients sent nothing');
  if (fault.cured && (observation.afterActions?.failed ?? 0) > 0)
    problems.push(`${observation.afterActions!.failed} requests of the service on all NICs failed after the action`);

  const last = (times: readonly (number | undefined)[]) =>
    times.length === 0 || times.includes(undefined) ? undefined : round(Math.max(...(times as number[])));
  const named = observation.transitions.filter((t) => isFault(t.verdict));
  return {
    fault: fault.name,
    title: fault.title,
    verdicts: [...new Set(named.map(name))],
    causes: [...new Set(named.map((t) => t.cause))],
    verdictMs: last(verdictMs),
    actionMs: last(actionMs),
    actions: observation.changes.map(describe),
    othersFailed,
    touchedFailed: failed(true),
    wrongActions,
    problems,
  };
}
