/** Copies and comparison of the judge's values, fast enough for millions of them. */
import { initial, type JudgeState } from '../../src/judge/judge.ts';
import type { Decisions } from '../../src/model/verdict.ts';
import type { Broken } from './witness.ts';

/**
 * A state of its own that goes on like the original. It is made as every state is made and then filled, so that V8 runs the same
 * code for both: the judge is several times slower on objects of another make.
 */
export function copyOf(state: JudgeState): JudgeState {
  const into = initial(state.topology, 0);
  fillObject(into as unknown as Entries, state as unknown as Entries);
  return into;
}

type Entries = Record<string, unknown>;

function fillObject(into: Entries, from: Entries): void {
  for (const key of Object.keys(from)) if (into[key] !== from[key]) into[key] = copyInto(into[key], from[key]);
}

/** `its` in the place of `mine`, which is used again where it can be. */
function copyInto(mine: unknown, its: unknown): unknown {
  if (its === null || typeof its !== 'object') return its;
  if (mine !== undefined && ArrayBuffer.isView(its)) (mine as Float64Array).set(its as Float64Array);
  else if (Array.isArray(its)) return its.map((x, n) => copyInto((mine as unknown[] | undefined)?.[n], x));
  else if (mine === undefined || its instanceof Map || its instanceof Set) return structuredClone(its);
  else if (Object.getPrototypeOf(its) === Object.prototype) fillObject(mine as Entries, its as Entries);
  else throw new Error(`a ${its.constructor.name} in a state can't be copied`);
  return mine;
}

/** The first difference between what two judges decided in pass `k`; `ignored` are names of fields that may differ. */
export function difference(
  property: string,
  k: number,
  { transitions, actions, blocked }: Decisions,
  other: Decisions,
  ignored: ReadonlySet<string> = NONE,
): Broken | undefined {
  if (transitions === other.transitions) throw new Error('two judges decide into one list: nothing would be compared');
  const mine = [transitions, actions, blocked];
  const others = [other.transitions, other.actions, other.blocked];
  if (isEqual(mine, others, ignored)) return undefined;
  const text = (lists: unknown) => JSON.stringify(lists).slice(0, 600);
  return { property, message: `first difference in pass ${k}: ${text(mine)} | ${text(others)}` };
}

const NONE: ReadonlySet<string> = new Set();

function isEqual(a: unknown, b: unknown, ignored: ReadonlySet<string>): boolean {
  if (Object.is(a, b)) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, n) => isEqual(x, b[n], ignored));
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(x);
  if (keys.length !== Object.keys(y).length) return false;
  return keys.every((key) => key in y && (ignored.has(key) || isEqual(x[key], y[key], ignored)));
}
