/**
 * What the reconciler knows of one effect, and how that changes: pure. `stepped` and `ended` take an entry and what has happened
 * to it, and return the entry that follows; the reconciler keeps the entries, the clock and the calls.
 */
import { pauseAfter, spread } from '../model/backoff.ts';
import type { Call, Effect, Note } from './actuator.ts';
import { valueOf } from './value.ts';
import type { End } from './perform.ts';

/** Failed calls for the wanted value so far. */
export interface Attempts {
  readonly failures: number;
  /** When it is tried again, ms of the clock; 0 without a failure. */
  readonly at: number;
  readonly error: string;
}

/**
 * `value` in `inPlace`: what is in place. `held`: the same in the other states; undefined: not known, since a call that has
 * not succeeded may have done half.
 */
export type EntryState =
  | { readonly is: 'inPlace'; readonly value: string }
  /** Nobody knows what is in place. */
  | { readonly is: 'open' }
  /**
   * A call is under way. `before`: what was in place when it began. `quiet`: a recheck, reported only when it finds something.
   */
  | {
      readonly is: 'running';
      readonly held: string | undefined;
      readonly before: string | undefined;
      readonly attempts: Attempts;
      readonly quiet: boolean;
    }
  | { readonly is: 'retrying'; readonly held: string | undefined; readonly attempts: Attempts }
  /** `value` can't be put in place: no call for it but rechecks until something else is wanted or the plan is new. */
  | {
      readonly is: 'unsupported';
      readonly held: string | undefined;
      readonly value: string;
      readonly why: string;
      /** The reason may pass by itself, so it is looked at again. */
      readonly mayPass?: true;
    };

export interface Entry {
  readonly wanted: Effect;
  /** What was last asked for, kept so that it can be undone when the configuration no longer has it. */
  readonly last: Effect;
  readonly state: EntryState;
  /**
   * A call is due although the value is in place: to repeat it after start and reload, or to look whether others have changed it.
   */
  readonly repeat: 'no' | 'announce' | 'recheck';
  /** What the actuator noted at the last call; undefined: nothing. */
  readonly note: string | undefined;
  /** In place once, then found changed by somebody else, and not put back yet. */
  readonly drifted: boolean;
  /** When its state was last asked for or found, ms of the clock. */
  readonly checkedAt: number;
  /** Message of the last outcome; a recheck does not report the same again. */
  readonly message: string;
  /** `retiring`: forget it once the rest state is in place. `dropped`: forget it as soon as no call is running. */
  readonly life: 'kept' | 'retiring' | 'dropped';
}

export type EntryEvent =
  /** The plan lists it with this effect. `announce`: to be repeated even when it is in place. */
  | { readonly is: 'wanted'; readonly effect: Effect; readonly announce: boolean }
  /** The plan lists it no longer. `rest`: what to put in place before it is forgotten; undefined: leave it alone. */
  | { readonly is: 'unlisted'; readonly rest: Effect | undefined }
  /** It is time to look whether others have changed it. */
  | { readonly is: 'recheckDue' }
  /** The data plane has been started again: whatever was found out about the one before counts no more. */
  | { readonly is: 'restarted' }
  /** A call for the wanted effect begins. */
  | { readonly is: 'begun'; readonly announce: boolean };

/** The end of a call. */
export interface EndedCall {
  readonly effect: Effect;
  readonly end: End;
  readonly announce: boolean;
  /** The effect was in place when the call began. */
  readonly wasInPlace: boolean;
  /** ms of the clock. */
  readonly now: number;
  /** 0 ≤ x < 1, for the jitter of the pause after a failure. */
  readonly random: number;
}

export interface Ended {
  readonly entry: Entry;
  /** What was in place had been changed by somebody else. */
  readonly drift: boolean;
  /** Nothing worth a report: a recheck that found everything as it was. */
  readonly quiet: boolean;
  /** There is a message, and it is that of the outcome before. */
  readonly known: boolean;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const NO_ATTEMPTS: Attempts = { failures: 0, at: 0, error: '' };

/** A new entry. @param value what is in place; undefined: not known */
export function newEntry(effect: Effect, value: string | undefined, note?: string): Entry {
  return {
    wanted: effect,
    last: effect,
    state: known(value),
    repeat: 'no',
    note,
    drifted: false,
    checkedAt: -Infinity,
    message: '',
    life: 'kept',
  };
}

/** The entry after an event. */
export function stepped(entry: Entry, event: EntryEvent): Entry {
  switch (event.is) {
    case 'wanted': {
      const next = { ...changed(entry, event.effect), life: 'kept' } as const;
      // A recheck that is due already stays one.
      return event.announce && next.repeat === 'no' ? { ...next, repeat: 'announce' } : next;
    }
    case 'unlisted':
      if (event.rest === undefined) return { ...entry, life: 'dropped' };
      return { ...changed(entry, event.rest), life: 'retiring' };
    case 'recheckDue':
      return { ...entry, repeat: 'recheck' };
    case 'restarted':
      return restarted(entry);
    case 'begun': {
      const before = heldIn(entry);
      const held = event.announce ? before : undefined;
      const attempts = attemptsOf(entry);
      const state = { is: 'running', held, before, attempts, quiet: entry.repeat === 'recheck' } as const;
      return { ...entry, state, repeat: 'no', last: entry.wanted };
    }
  }
}

/** The entry after a call for it has ended. */
export function ended(entry: Entry, call: EndedCall): Ended {
  const { effect, end, announce, wasInPlace, now } = call;
  const { result, message = '', differs = false } = end;
  const drift = differs && wasInPlace && !entry.drifted;
  const isWanted = valueOf(effect) === valueOf(entry.wanted);
  const next = { ...entry, checkedAt: now, message, note: noteAfter(entry, end) };
  const isRecheck = entry.state.is === 'running' && entry.state.quiet;
  const isKnown = message !== '' && message === entry.message;
  const found = (result === 'unchanged' && (message === '' || isKnown)) || (result === 'unsupported' && isKnown);
  const quiet = isRecheck && !drift && found;
  const held = heldIn(entry);
  const done = (changes: Partial<Entry>): Ended => ({ entry: { ...next, ...changes }, drift, quiet, known: isKnown });
  if (result !== 'failed' && result !== 'unsupported') return done({ state: known(valueOf(effect)), drifted: false });
  if (!isWanted) return done({ state: known(held) });
  if (result === 'unsupported') {
    // What can't be done has changed nothing.
    const before = entry.state.is === 'running' ? entry.state.before : held;
    const state = { is: 'unsupported', held: before, value: valueOf(effect), why: message } as const;
    return done({ state: end.mayPass === true ? { ...state, mayPass: true } : state, drifted: false });
  }
  const { failures } = attemptsOf(entry);
  const pause = pauseAfter(failures + 1, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  const attempts = { failures: failures + 1, at: now + spread(pause, call.random), error: message };
  return done({
    state: { is: 'retrying', held, attempts },
    drifted: entry.drifted || drift,
    repeat: announce ? 'announce' : entry.repeat,
  });
}

/** Whether a call has to be made for it, now or after its pause. */
export function needsCall({ life, wanted, state, repeat }: Entry): boolean {
  if (life === 'dropped') return false;
  if (repeat !== 'no') return true;
  return !isSettled({ wanted, state });
}

/** Whether what is wanted is in place, or was refused. */
function isSettled({ wanted, state }: Pick<Entry, 'wanted' | 'state'>): boolean {
  const value = valueOf(wanted);
  return heldBy(state) === value || (state.is === 'unsupported' && state.value === value);
}

/** Whether to look again what others have done: whether it is still in place, or no longer refused. */
export function mayHaveChanged(entry: Entry): boolean {
  const { state } = entry;
  return isSettled(entry) && (state.is !== 'unsupported' || state.mayPass === true);
}

/** The value known to be in place; undefined: not known. */
export function heldIn({ state }: Entry): string | undefined {
  return heldBy(state);
}

/** Failed calls for what is wanted, and why the last one failed. */
export function attemptsOf({ state }: Entry): Attempts {
  if (state.is === 'running' || state.is === 'retrying') return state.attempts;
  return state.is === 'unsupported' ? { ...NO_ATTEMPTS, error: state.why } : NO_ATTEMPTS;
}

/** What the next call is given as note. @param rest the value the effect has when nothing is wrong; undefined: there is none */
export function noteFor(entry: Entry, rest: string | undefined): Note {
  if (entry.note !== undefined) return { kind: 'noted', text: entry.note };
  return heldIn(entry) === rest ? { kind: 'untouched' } : { kind: 'unknown' };
}

/** What a call is: a repetition, when all of its effects are in place. */
export function callFor(entries: readonly Entry[], restOf: (effect: Effect) => string | undefined): Call {
  return {
    announce: entries.every((entry) => heldIn(entry) === valueOf(entry.wanted)),
    notes: entries.map((entry) => noteFor(entry, restOf(entry.wanted))),
  };
}

function known(value: string | undefined): EntryState {
  return value === undefined ? { is: 'open' } : { is: 'inPlace', value };
}

function heldBy(state: EntryState): string | undefined {
  if (state.is === 'inPlace') return state.value;
  return state.is === 'open' ? undefined : state.held;
}

/** Another value is wanted: what was tried for the one before counts no more. */
function changed(entry: Entry, effect: Effect): Entry {
  if (valueOf(effect) === valueOf(entry.wanted)) return { ...entry, wanted: effect };
  const { state } = entry;
  const next = state.is === 'running' ? { ...state, attempts: NO_ATTEMPTS } : known(heldBy(state));
  return { ...entry, wanted: effect, state: next, drifted: false };
}

function restarted(entry: Entry): Entry {
  const { state } = entry;
  if (state.is === 'inPlace') return { ...entry, repeat: entry.repeat === 'no' ? 'recheck' : entry.repeat };
  if (state.is === 'retrying' || state.is === 'running') return { ...entry, state: { ...state, attempts: NO_ATTEMPTS } };
  return { ...entry, state: known(heldBy(state)) };
}

function noteAfter(entry: Entry, { note }: End): string | undefined {
  if (note === undefined) return entry.note;
  return note.kind === 'noted' ? note.text : undefined;
}
