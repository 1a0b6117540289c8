/**
 * The life of a release on one server, as a pure function: check, apply, prove, or keep what is good. Level-triggered: whatever
 * happens, the newest pointer is what counts next.
 */
import type { Applied } from '../values.ts';
import { isPoison, proven, withPoison } from './record.ts';
import { appliedOf, type LifeEffect, type LifeEvent, type LifeState, type Work } from './state.ts';

export interface LifeSettings {
  /** How long a configuration must run before it is the last good one, ms. */
  readonly proveMs: number;
}

/** One event at `now` (ms of the own clock): the next state, and what is to be done. */
export function reduce(
  old: LifeState,
  event: LifeEvent,
  now: number,
  settings: LifeSettings,
): readonly [LifeState, readonly LifeEffect[]] {
  const effects: LifeEffect[] = [];
  let state = take(old, event, now);
  if (event.kind !== 'stop') state = goOn(old, state, { now, ...settings }, effects);
  if (state.record !== old.record && !effects.some((each) => each.do === 'save'))
    effects.unshift({ do: 'save', record: state.record });
  if (event.kind === 'stop') return [state, effects];
  return [report(state, effects), effects];
}

/** What an event changes by itself. */
function take(s: LifeState, event: LifeEvent, now: number): LifeState {
  switch (event.kind) {
    case 'pointer':
      // A mirror that reads an older snapshot again must not take the server back.
      if (s.pointer !== undefined && event.seen <= s.pointer.seen) return s;
      return { ...without(s, 'failure'), pointer: { seen: event.seen, target: event.target }, attempt: 0 };
    case 'checked':
      return s.work?.kind === 'check' && s.work.version.root === event.root ? takeChecked(s, s.work, event) : s;
    case 'applied':
      if (s.work?.kind !== 'apply' || s.work.version.root !== event.root) return s;
      return { ...without(s, 'work'), running: s.work.version, since: now, ...planHashOf(s, event.root) };
    case 'applyFailed':
      return s.work?.kind === 'apply' && s.work.version.root === event.root ? fail(s, 'failed', event) : s;
    case 'restored':
      return s.work?.kind === 'restore' && s.work.version.root === event.root ? without(s, 'work') : s;
    case 'poison':
      return { ...s, record: withPoison(s.record, event.root, event.why) };
    case 'maintenance':
      return event.why === undefined ? without(s, 'held') : { ...s, held: event.why };
    case 'drift':
      return { ...s, drift: event.drift };
    case 'again':
      return without(s, 'failure');
    case 'tick':
      return s;
    case 'stop':
      return { ...s, record: { ...s.record, clean: true } };
  }
}

function without<K extends keyof LifeState>(s: LifeState, key: K): Omit<LifeState, K> & LifeState {
  const { [key]: _, ...rest } = s;
  return rest as Omit<LifeState, K> & LifeState;
}

const planHashOf = ({ checked }: LifeState, root: string) => (checked?.root === root ? { planHash: checked.planHash } : {});

function takeChecked(s: LifeState, work: Work, event: LifeEvent & { kind: 'checked' }): LifeState {
  const { root, refusals, plan, planHash } = event;
  const idle = without(s, 'work');
  if (refusals.length > 0) return fail(idle, 'refused', { root: work.version.root, error: refusals.join('; ') });
  return { ...idle, checked: { root, plan, planHash } };
}

/** Text that fits into etcd. */
const MOST_ERROR = 1000;

function fail(s: LifeState, state: 'failed' | 'refused', { root, error }: { root: string; error: string }): LifeState {
  const { work, running, pointer } = s;
  const failure = { root, seen: pointer?.seen ?? 0, state, error: error.slice(0, MOST_ERROR) };
  const tried = { ...without(s, 'work'), failure, attempt: s.attempt + 1 };
  if (work?.kind !== 'apply') return tried;
  // Half of it may be in place: what ran before is put back.
  const record = { ...s.record, trial: null };
  return running === undefined
    ? { ...tried, record }
    : { ...tried, record, work: { ...work, kind: 'restore', version: running } };
}

/** Proves what has run long enough, puts back what failed, and begins what the pointer wants. */
function goOn(
  old: LifeState,
  s: LifeState,
  { now, proveMs }: { now: number; proveMs: number },
  effects: LifeEffect[],
): LifeState {
  let state = s;
  const { trial } = state.record;
  const isOn = trial === null || state.running?.root === trial.root;
  if (state.work === undefined && state.running !== undefined && isOn && now - state.since >= proveMs)
    state = { ...state, record: proven(state.record) };
  if (state.work?.kind === 'restore' && old.work?.kind !== 'restore')
    effects.push({ do: 'save', record: state.record }, { do: 'restore', version: state.work.version });
  return state.work === undefined ? begin(state, effects) : state;
}

function begin(s: LifeState, effects: LifeEffect[]): LifeState {
  const { pointer, running, record, checked, failure, held } = s;
  if (pointer === undefined || failure?.seen === pointer.seen) return s;
  const { target, seen } = pointer;
  const refusePoison = (root: string) => {
    const why = record.poison.find((each) => each.root === root)?.why ?? '';
    return { ...s, failure: { root, seen, state: 'refused', error: `the root is poison: ${why}`.slice(0, MOST_ERROR) } as const };
  };
  const check = (version: { release: number; root: string }, purpose: Work['purpose']): LifeState => {
    if (isPoison(record, version.root)) return refusePoison(version.root);
    effects.push({ do: 'check', version });
    return { ...s, work: { kind: 'check', version, purpose } };
  };
  const wanted = { release: target.release, root: target.root };
  if (running?.root === target.root) {
    if (target.prepare === undefined || checked?.root === target.prepare.root || running.root === target.prepare.root) return s;
    return check({ release: target.prepare.release, root: target.prepare.root }, 'prepare');
  }
  if (held !== undefined) return s;
  if (isPoison(record, target.root)) return refusePoison(target.root);
  if (checked?.root !== target.root) return check(wanted, 'apply');
  const crashes = record.trial?.root === target.root ? record.trial.crashes : 0;
  // What was good already needs no trial.
  const next = { ...record, trial: record.good?.root === target.root ? null : { ...wanted, crashes } };
  effects.push({ do: 'save', record: next }, { do: 'apply', version: wanted });
  return { ...s, record: next, work: { kind: 'apply', version: wanted, purpose: 'apply' } };
}

/** Plans and drifts are the same object until they change. */
function isSame(a: Applied, b: Applied): boolean {
  return (Object.keys(a) as (keyof Applied)[]).every((key) => a[key] === b[key]);
}

/** Writes back what has changed, and announces the server once it runs what it should. */
function report(s: LifeState, effects: LifeEffect[]): LifeState {
  if (s.pointer === undefined) return s;
  const value = appliedOf(s);
  const isNew = s.written === undefined || !isSame(s.written, value);
  if (isNew) effects.push({ do: 'writeBack', value });
  // Serving what was good is better than not serving: only what has nothing to serve stays out.
  const ready =
    s.ready || value.state === 'applied' || value.state === 'prepared' || (value.error !== null && value.running !== null);
  // That it is there is known from its first report on, whatever came of it.
  if (ready !== s.ready || s.written === undefined) effects.push({ do: 'announce', ready });
  return { ...s, ready, ...(isNew ? { written: value } : {}) };
}
