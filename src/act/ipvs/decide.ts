/**
 * What to do with one destination's weight: pure. The weight to go back to is the one that was found, not the configured one; it is kept
 * in the effect's note. Somebody else's word is kept where it takes a destination out of service, and only so often overruled where it
 * puts one into service.
 */
import { z } from 'zod';
import type { Effect, Outcome } from '../actuator.ts';

/** `absent`: it was not in the kernel's table when last looked for. `untouched`: nothing has been written for this effect yet. */
type Note = 'absent' | 'untouched' | Hold;

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
const note = z.union([
  z.enum(['absent', 'untouched']),
  z.object({ was: weight, set: weight, again: z.int().min(0) }),
]) satisfies z.ZodType<Note>;

/** A note of any origin; null: an earlier call was not heard to the end and left none. */
function parseNote(text: string | null | undefined): Note | null | undefined {
  if (text === null || text === undefined) return text;
  try {
    return note.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

const noteText = (value: Note) => JSON.stringify(value);

/** What is noted when nothing could be read or written. */
export function noteAfterFailure(text: string | null | undefined): string | undefined {
  return text === undefined ? noteText('untouched') : (text ?? undefined);
}

/** A destination, or its whole service, is not in the kernel's table: it gets no traffic, so there is nothing to do. Told once. */
export function whenAbsent(effect: Effect, text: string | null | undefined, what: string): Outcome {
  if (isRest(effect)) return { result: 'unchanged', ...forget };
  const told = parseNote(text) === 'absent';
  return {
    result: 'unchanged',
    note: noteText('absent'),
    ...(told ? {} : { message: `${what}: nothing to do until it appears` }),
  };
}

/** Has this destination's weight been set by us, and is it still as we set it? Then undoing that is our business alone. */
export function isOurs(found: number, text: string | null | undefined): boolean {
  const had = parseNote(text);
  return typeof had === 'object' && had !== null && had.set === found && had.set !== had.was;
}

const forget = { note: undefined } as unknown as { note: string };

/**
 * @param found the weight in the kernel
 * @param text the effect's note
 * @param reapply how many times in a row an overwritten weight is set again
 */
export function decide(effect: Effect, found: number, text: string | null | undefined, reapply: number): Decision {
  const had = parseNote(text);
  if (typeof had !== 'object' || had === null) return begin(effect, found, had === null);
  if (isRest(effect)) return end(had, found);
  const target = share(effect, had.was);
  if (found === target) return { outcome: { result: 'unchanged', note: noteText({ ...had, set: target, again: 0 }) } };
  // The next step of a slow start.
  if (found === had.set) return { write: target, outcome: { result: 'done', note: noteText({ ...had, set: target, again: 0 }) } };
  if (found === 0) return takenOut();
  if (had.again >= reapply) {
    return {
      outcome: {
        result: 'unsupported',
        differs: true,
        message: `its weight has been set to ${found} by somebody else ${had.again + 1} times in a row; left so until something else is wanted, or a reload`,
        note: noteText({ ...had, was: found, again: 0 }),
      },
    };
  }
  // Who writes a weight wants that one: it is given back later.
  const hold = { was: found, set: share(effect, found), again: had.again + 1 };
  return { write: hold.set, outcome: { result: 'done', differs: true, note: noteText(hold) } };
}

/** Nothing has been set by us so far; `unsure`: or it has, and was not noted. */
function begin(effect: Effect, found: number, unsure: boolean): Decision {
  const { weight: wanted = 0, configured = wanted } = effect;
  const was = unsure && found === 0 ? configured : found;
  const target = isRest(effect) ? was : share(effect, was);
  const next = isRest(effect) ? forget : { note: noteText({ was, set: target, again: 0 }) };
  if (target === found) return { outcome: { result: 'unchanged', ...next } };
  return { write: target, outcome: { result: 'done', ...next } };
}

/** All is well again: the weight that was, unless somebody has set another one meanwhile. */
function end({ was, set }: Hold, found: number): Decision {
  if (found === set && found !== was) return { write: was, outcome: { result: 'done', ...forget } };
  const message = found === was ? {} : { message: `left at weight ${found}, which somebody else has set (${was} before)` };
  return { outcome: { result: 'unchanged', ...message, ...forget } };
}

/** We had it at a part of its weight, and somebody took it out of service: it stays out. */
function takenOut(): Decision {
  const message = 'left at weight 0, which somebody else has set';
  return { outcome: { result: 'unchanged', message, note: noteText({ was: 0, set: 0, again: 0 }) } };
}

function isRest({ weight: wanted, configured, state }: Effect): boolean {
  return state === 'enabled' && wanted !== undefined && wanted === configured;
}

/** The wanted part of a weight: 0 only for 0, else at least 1. */
function share({ weight: wanted = 0, configured = wanted }: Effect, was: number): number {
  if (wanted === 0 || was === 0) return 0;
  return configured === 0 ? was : Math.max(1, Math.round((was * wanted) / configured));
}
