/** A property checked along a sequence, and one pass of a judge. */
import { type JudgeState, judge } from '../../src/judge/judge.ts';
import { newBatch } from '../../src/model/facts.ts';
import type { Decisions } from '../../src/model/verdict.ts';
import { fill, type PassFacts } from './sequences.ts';
import type { Broken } from './witness.ts';

/** One property along one sequence. */
export interface Check {
  /** Before pass `k` is judged; `now` is the time of the pass before. */
  before?(k: number, state: JudgeState, now: number): void;
  /** After pass `k`: the judge's state and what it decided. @returns what is broken, if anything is */
  after(k: number, p: PassFacts, state: JudgeState, d: Decisions): Broken | undefined;
}

const batch = newBatch(256);

/** One pass of a judge over these facts. */
export function pass(state: JudgeState, p: PassFacts, results = p.results): { state: JudgeState; decisions: Decisions } {
  return judge(state, { results: fill(batch, results), observations: p.observations }, p.now);
}
