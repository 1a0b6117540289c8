/** The life of one effect as a table: state before, what happens, state after. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  attemptsOf,
  ended,
  type Entry,
  type EntryEvent,
  type EntryState,
  needsCall,
  newEntry,
  noteFor,
  stepped,
} from '../../src/act/entry.ts';
import type { End } from '../../src/act/perform.ts';
import { effectOf, noted, UNKNOWN, UNTOUCHED } from './world.ts';

const spec = { type: 'exec' };
const OK = effectOf({ spec, state: 'ok' });
const FAILED = effectOf({ spec, state: 'failed' });
const NONE = { failures: 0, at: 0, error: '' };
const TWICE = { failures: 2, at: 5000, error: 'exited with 1' };

const inPlace: EntryState = { is: 'inPlace', value: 'ok' };
const open: EntryState = { is: 'open' };
const running: EntryState = { is: 'running', held: undefined, before: undefined, attempts: NONE, quiet: false };
const repeating: EntryState = { is: 'running', held: 'ok', before: 'ok', attempts: NONE, quiet: false };
const rechecking: EntryState = { is: 'running', held: 'ok', before: 'ok', attempts: NONE, quiet: true };
const retrying: EntryState = { is: 'retrying', held: undefined, attempts: TWICE };
const retryingRepetition: EntryState = { is: 'retrying', held: 'ok', attempts: TWICE };
const unsupported: EntryState = { is: 'unsupported', held: undefined, value: 'failed', why: 'not here' };

/** Wanting `ok`, unless said otherwise. */
const entry = (state: EntryState, more: Partial<Entry> = {}): Entry => ({ ...newEntry(OK, undefined), state, ...more });
const wanting = { wanted: FAILED } as const;

const wanted = (effect = OK, announce = false): EntryEvent => ({ is: 'wanted', effect, announce });
const begun = (announce: boolean): EntryEvent => ({ is: 'begun', announce });

interface Case {
  readonly name: string;
  readonly before: Entry;
  readonly event: EntryEvent;
  readonly after: Partial<Entry>;
  readonly call: boolean;
}

const CASES: readonly Case[] = [
  { name: 'in place and wanted: nothing', before: entry(inPlace), event: wanted(), after: { state: inPlace }, call: false },
  {
    name: 'in place, other wanted',
    before: entry(inPlace),
    event: wanted(FAILED),
    after: { state: inPlace, wanted: FAILED },
    call: true,
  },
  {
    name: 'in place, to be repeated',
    before: entry(inPlace),
    event: wanted(OK, true),
    after: { repeat: 'announce' },
    call: true,
  },
  {
    name: 'in place, other wanted and to be repeated',
    before: entry(inPlace),
    event: wanted(FAILED, true),
    after: { state: inPlace },
    call: true,
  },
  { name: 'not known what is in place', before: entry(open), event: wanted(), after: { state: open }, call: true },
  { name: 'a recheck is due', before: entry(inPlace), event: { is: 'recheckDue' }, after: { repeat: 'recheck' }, call: true },
  {
    name: 'a recheck stays one when it is to be repeated, too',
    before: entry(inPlace, { repeat: 'recheck' }),
    event: wanted(OK, true),
    after: { repeat: 'recheck' },
    call: true,
  },
  {
    name: 'a change begins: nobody knows now',
    before: entry(inPlace, wanting),
    event: begun(false),
    after: { state: { ...running, before: 'ok' }, last: FAILED },
    call: true,
  },
  {
    name: 'a repetition begins: what is in place stays',
    before: entry(inPlace, { repeat: 'announce' }),
    event: begun(true),
    after: { state: repeating, repeat: 'no' },
    call: false,
  },
  {
    name: 'a recheck begins',
    before: entry(inPlace, { repeat: 'recheck' }),
    event: begun(true),
    after: { state: rechecking, repeat: 'no' },
    call: false,
  },
  {
    name: 'another attempt begins: the failures stay',
    before: entry(retrying),
    event: begun(false),
    after: { state: { ...running, attempts: TWICE } },
    call: true,
  },
  {
    name: 'other wanted in a pause: no pause for it',
    before: entry(retrying),
    event: wanted(FAILED),
    after: { state: open },
    call: true,
  },
  {
    name: 'the same wanted in a pause: it stays',
    before: entry(retrying),
    event: wanted(),
    after: { state: retrying },
    call: true,
  },
  {
    name: 'other wanted in the pause of a repetition',
    before: entry(retryingRepetition),
    event: wanted(FAILED),
    after: { state: inPlace },
    call: true,
  },
  {
    name: 'other wanted during a call: the failures count no more',
    before: entry({ ...running, attempts: TWICE }),
    event: wanted(FAILED),
    after: { state: running },
    call: true,
  },
  {
    name: 'what is unsupported is left',
    before: entry(unsupported, wanting),
    event: wanted(FAILED),
    after: { state: unsupported },
    call: false,
  },
  {
    name: 'unsupported, other wanted',
    before: entry(unsupported, wanting),
    event: wanted(OK),
    after: { state: open },
    call: true,
  },
  {
    name: 'unsupported, to be repeated',
    before: entry(unsupported, wanting),
    event: wanted(FAILED, true),
    after: { state: unsupported, repeat: 'announce' },
    call: true,
  },
  {
    name: 'drift counts no more when other is wanted',
    before: entry(retrying, { drifted: true }),
    event: wanted(FAILED),
    after: { drifted: false },
    call: true,
  },
  {
    name: 'unlisted: back to rest',
    before: entry({ is: 'inPlace', value: 'failed' }, wanting),
    event: { is: 'unlisted', rest: OK },
    after: { life: 'retiring', wanted: OK },
    call: true,
  },
  {
    name: 'unlisted at rest',
    before: entry(inPlace),
    event: { is: 'unlisted', rest: OK },
    after: { life: 'retiring' },
    call: false,
  },
  {
    name: 'unlisted, left alone',
    before: entry(retrying),
    event: { is: 'unlisted', rest: undefined },
    after: { life: 'dropped', state: retrying },
    call: false,
  },
  {
    name: 'in place, the data plane is started again: looked at',
    before: entry(inPlace),
    event: { is: 'restarted' },
    after: { state: inPlace, repeat: 'recheck' },
    call: true,
  },
  {
    name: 'retrying, the data plane is started again: at once, and with short pauses',
    before: entry(retrying),
    event: { is: 'restarted' },
    after: { state: { is: 'retrying', held: undefined, attempts: NONE } },
    call: true,
  },
  {
    name: 'unsupported, the data plane is started again: another one may be able to',
    before: entry({ is: 'unsupported', held: 'ok', value: 'failed', why: 'not here' }, wanting),
    event: { is: 'restarted' },
    after: { state: inPlace },
    call: true,
  },
  { name: 'listed again', before: entry(retrying, { life: 'dropped' }), event: wanted(), after: { life: 'kept' }, call: true },
];

describe('an event', () => {
  for (const { name, before, event, after, call } of CASES) {
    it(name, () => {
      const next = stepped(before, event);
      for (const [key, value] of Object.entries(after)) assert.deepEqual(next[key as keyof Entry], value, key);
      assert.equal(needsCall(next), call);
    });
  }
});

interface EndCase {
  readonly name: string;
  readonly before: Entry;
  readonly end: End;
  readonly after: Partial<Entry>;
  /** As the call was: a repetition of what was in place, or a change. */
  readonly announce?: boolean;
  readonly wasInPlace?: boolean;
  readonly drift?: boolean;
  readonly quiet?: boolean;
}

const ok = { result: 'ok' } as const;
const failed = { result: 'failed', message: 'exited with 1' } as const;
const cannot = { result: 'unsupported', message: 'not here' } as const;
/** The first failure, at 10 000 ms, with half of the jitter. */
const FIRST = { failures: 1, at: 11_000, error: 'exited with 1' };
const repetition = { announce: true, wasInPlace: true } as const;

/** Calls for `ok`. */
const ENDS: readonly EndCase[] = [
  { name: 'done', before: entry(running), end: ok, after: { state: inPlace, checkedAt: 10_000 } },
  {
    name: 'done, meanwhile other is wanted',
    before: entry(running, wanting),
    end: ok,
    after: { state: inPlace, wanted: FAILED },
  },
  {
    name: 'failed',
    before: entry(running),
    end: failed,
    after: { state: { is: 'retrying', held: undefined, attempts: FIRST }, repeat: 'no' },
  },
  {
    name: 'failed a third time',
    before: entry({ ...running, attempts: TWICE }),
    end: failed,
    after: { state: { is: 'retrying', held: undefined, attempts: { ...FIRST, failures: 3, at: 14_000 } } },
  },
  { name: 'failed, meanwhile other is wanted', before: entry(running, wanting), end: failed, after: { state: open } },
  {
    name: 'a repetition failed',
    before: entry(repeating),
    end: failed,
    ...repetition,
    after: { state: { is: 'retrying', held: 'ok', attempts: FIRST }, repeat: 'announce' },
  },
  {
    name: 'a repetition failed, meanwhile other is wanted',
    before: entry(repeating, wanting),
    end: failed,
    ...repetition,
    after: { state: inPlace, repeat: 'no' },
  },
  {
    name: 'unsupported',
    before: entry(running),
    end: cannot,
    after: { state: { is: 'unsupported', held: undefined, value: 'ok', why: 'not here' } },
  },
  {
    name: 'unsupported: what was in place still is',
    before: entry({ is: 'running', held: undefined, before: 'failed', attempts: NONE, quiet: false }),
    end: cannot,
    after: { state: { is: 'unsupported', held: 'failed', value: 'ok', why: 'not here' } },
  },
  { name: 'unsupported, meanwhile other is wanted', before: entry(running, wanting), end: cannot, after: { state: open } },
  {
    name: 'a recheck finds it unsupported',
    before: entry(rechecking),
    end: cannot,
    ...repetition,
    after: { state: { is: 'unsupported', held: 'ok', value: 'ok', why: 'not here' } },
  },
  {
    name: 'a recheck finds nothing',
    before: entry(rechecking),
    end: { result: 'unchanged' },
    ...repetition,
    quiet: true,
    after: { state: inPlace },
  },
  {
    name: 'a recheck finds what is known',
    before: entry(rechecking, { message: 'left at 0' }),
    end: { result: 'unchanged', message: 'left at 0' },
    ...repetition,
    quiet: true,
    after: { state: inPlace },
  },
  {
    name: 'a recheck finds something to say',
    before: entry(rechecking),
    end: { result: 'unchanged', message: 'left at 0' },
    ...repetition,
    after: { message: 'left at 0' },
  },
  {
    name: 'a recheck puts it back',
    before: entry(rechecking),
    end: { ...ok, differs: true },
    ...repetition,
    drift: true,
    after: { state: inPlace, drifted: false },
  },
  {
    name: 'a recheck cannot put it back',
    before: entry(rechecking),
    end: { ...failed, differs: true },
    ...repetition,
    drift: true,
    after: { drifted: true },
  },
  {
    name: 'drift is counted once',
    before: entry(repeating, { drifted: true }),
    end: { ...failed, differs: true },
    ...repetition,
    after: { drifted: true },
  },
  {
    name: 'what was never in place has not drifted',
    before: entry(running),
    end: { ...ok, differs: true },
    after: { drifted: false },
  },
  { name: 'a note is kept', before: entry(running, { note: 'a' }), end: ok, after: { note: 'a' } },
  { name: 'a note is replaced', before: entry(running, { note: 'a' }), end: { ...ok, note: noted('b') }, after: { note: 'b' } },
  {
    name: 'a note is forgotten',
    before: entry(running, { note: 'a' }),
    end: { ...ok, note: UNTOUCHED },
    after: { note: undefined },
  },
];

describe('the end of a call', () => {
  for (const { name, before, end, after, announce = false, wasInPlace = false, drift = false, quiet = false } of ENDS) {
    it(name, () => {
      const next = ended(before, { effect: OK, end, announce, wasInPlace, now: 10_000, random: 0.5 });
      for (const [key, value] of Object.entries(after)) assert.deepEqual(next.entry[key as keyof Entry], value, key);
      assert.deepEqual([next.drift, next.quiet], [drift, quiet]);
    });
  }
});

it('the note of a call says what is certain', () => {
  assert.deepEqual(noteFor(entry(inPlace), 'ok'), UNTOUCHED);
  assert.deepEqual(noteFor(entry(inPlace), 'failed'), UNKNOWN);
  assert.deepEqual(noteFor(entry(open), 'ok'), UNKNOWN);
  assert.deepEqual(noteFor(entry(open, { note: 'was 7' }), 'ok'), noted('was 7'));
});

it('the pause grows to a minute and no further', () => {
  let now = entry(running);
  const pauses = Array.from({ length: 8 }, () => {
    const { entry: next } = ended(now, { effect: OK, end: failed, announce: false, wasInPlace: false, now: 0, random: 0.5 });
    now = stepped(next, begun(false));
    return attemptsOf(next).at;
  });
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});
