/**
 * What to do with one destination's weight: pure. The weight to go back to is the one that was found, or, where fourlane makes
 * the entries itself, the configured one; it is kept in the effect's note. Somebody else's word is kept where it takes a
 * destination out of service, and only so often overruled where it puts one into service.
 */
import * as z from 'zod';
import { MOST_WEIGHT } from '../../model/combined.ts';
import type { Effect, Note, Outcome } from '../actuator.ts';

/**
 * What is noted of a destination. `absent`: it was not in the kernel's table when last looked for. `untouched`: nothing has been
 * written for this effect yet.
 */
type Memo = 'absent' | 'untouched' | Hold;

interface Hold {
  /** The weight its owner wants. */
  readonly was: number;
  /** The weight we set last. */
  readonly set: number;
  /** How many times in a row it was found overwritten and set again. */
  readonly again: number;
}

export interface Decision {
  /** The weight to write; undefined: nothing. */
  readonly write?: number;
  readonly outcome: Outcome;
}

const weight = z.int().min(0);
const memo = z.union([
  z.enum(['absent', 'untouched']),
  z.object({ was: weight, set: weight, again: z.int().min(0) }),
]) satisfies z.ZodType<Memo>;

/** What a note of any origin says. `unsure`: an earlier call did not end, or what it noted is damaged. */
function read(note: Note): Memo | 'unsure' {
  if (note.kind !== 'noted') return note.kind === 'untouched' ? 'untouched' : 'unsure';
  try {
    return memo.parse(JSON.parse(note.text));
  } catch {
    return 'unsure';
  }
}

const noted = (value: Memo) => ({ kind: 'noted', text: JSON.stringify(value) }) as const;

/** For an outcome after which nothing of the effect needs to be known. */
const FORGET = { note: { kind: 'untouched' } } as const;

/** What is noted when nothing could be read or written; empty: what was noted before stays. */
export function noteAfterFailure(note: Note): Pick<Outcome, 'note'> {
  return note.kind === 'untouched' ? { note: noted('untouched') } : note.kind === 'noted' ? { note } : {};
}

/**
 * A destination, or its whole service, is not in the kernel's table: it gets no traffic, so there is nothing to do. Reported
 * once.
 */
export function whenAbsent(effect: Effect, note: Note, what: string): Outcome {
  if (isRest(effect)) return { result: 'unchanged', ...FORGET };
  const isReported = read(note) === 'absent';
  return {
    result: 'unchanged',
    note: noted('absent'),
    ...(isReported ? {} : { message: `${what}: nothing to do until it appears` }),
  };
}

/** Has this destination's weight been set by us, and is it still as we set it? Then undoing that is our business alone. */
export function isOurs(found: number, note: Note): boolean {
  const had = read(note);
  return typeof had === 'object' && had.set === found && had.set !== had.was;
}

/**
 * @param found the weight in the kernel
 * @param note the effect's note
 * @param reapply how many times in a row an overwritten weight is set again
 */
export function decide(effect: Effect, found: number, note: Note, reapply: number): Decision {
  const said = read(note);
  if (typeof said !== 'object') return begin(effect, found, said === 'unsure');
  const had = effect.made === true && said.was !== 0 ? { ...said, was: effect.configured ?? said.was } : said;
  if (isRest(effect)) return end(had, found);
  const target = share(effect, had.was);
  if (found === target) return { outcome: { result: 'unchanged', note: noted({ ...had, set: target, again: 0 }) } };
  // The next step of a slow start.
  if (found === had.set) return { write: target, outcome: { result: 'done', note: noted({ ...had, set: target, again: 0 }) } };
  if (found === 0) return takenOut();
  if (had.again >= reapply) {
    return {
      outcome: {
        result: 'unsupported',
        differs: true,
        message:
          `its weight has been set to ${found} by somebody else ${had.again + 1} times in a row; left so until ` +
          `something else is wanted, or a reload`,
        note: noted({ ...had, was: found, again: 0 }),
      },
    };
  }
  // Who writes a weight wants that one: it is given back later.
  const hold = { was: found, set: share(effect, found), again: had.again + 1 };
  return { write: hold.set, outcome: { result: 'done', differs: true, note: noted(hold) } };
}

/** Nothing has been set by us so far; `unsure`: or it has, and was not noted. */
function begin(effect: Effect, found: number, unsure: boolean): Decision {
  const { weight: wanted = 0, configured = wanted } = effect;
  const was = effect.made === true || (unsure && found === 0) ? configured : found;
  const target = isRest(effect) ? was : share(effect, was);
  const next = isRest(effect) ? FORGET : { note: noted({ was, set: target, again: 0 }) };
  if (target === found) return { outcome: { result: 'unchanged', ...next } };
  return { write: target, outcome: { result: 'done', ...next } };
}

/** All is well again: the weight that was, unless somebody has set another one meanwhile. */
function end({ was, set }: Hold, found: number): Decision {
  if (found === set && found !== was) return { write: was, outcome: { result: 'done', ...FORGET } };
  const message = found === was ? {} : { message: `left at weight ${found}, which somebody else has set (${was} before)` };
  return { outcome: { result: 'unchanged', ...message, ...FORGET } };
}

/** We had it at a part of its weight, and somebody took it out of service: it stays out. */
function takenOut(): Decision {
  const message = 'left at weight 0, which somebody else has set';
  return { outcome: { result: 'unchanged', message, note: noted({ was: 0, set: 0, again: 0 }) } };
}

function isRest({ weight: wanted, configured, state }: Effect): boolean {
  return state === 'enabled' && wanted !== undefined && wanted === configured;
}

/** The wanted part of a weight: 0 only for 0, else at least 1. */
function share({ weight: wanted = 0, configured = wanted }: Effect, was: number): number {
  if (wanted === 0 || was === 0) return 0;
  return configured === 0 ? was : Math.min(MOST_WEIGHT, Math.max(1, Math.round((was * wanted) / configured)));
}
