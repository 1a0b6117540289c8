/** Cells that follow keepalived's checkers: when they are probed next, and which of their pages is asked for. */
import { checkKinds } from '../checks/index.ts';
import { type CheckerPace, delayAfter, firstDelay, stepChecker, urlOf } from '../model/checker.ts';
import { SERVICE_EVIDENCE } from '../model/outcome.ts';
import type { CheckProfile } from '../model/plan.ts';
import type { Cells } from './cells.ts';

const pages = new WeakMap<CheckProfile, readonly CheckProfile[]>();

/** The pages of a check, each as a check of its own; made once per profile object. */
function pagesOf(profile: CheckProfile): readonly CheckProfile[] {
  const known = pages.get(profile);
  if (known !== undefined) return known;
  const made = checkKinds.find(({ name }) => name === profile.type)?.parts?.(profile) ?? [profile];
  pages.set(profile, made);
  return made;
}

/** Begins a checker. @returns when it is probed first, ms from now */
export function beginChecker(cells: Cells, cell: number, checker: CheckerPace, random: number): number {
  const all = pagesOf(cells.profile[cell]!);
  cells.pages[cell] = all;
  cells.profile[cell] = all[0];
  cells.checker[cell] = 0;
  return firstDelay(checker, random);
}

/**
 * Takes a result in. One that says nothing of the service is none, and is asked for again soon.
 * @param probe when it began and ended, ms
 * @returns when the next one begins
 */
export function followChecker(
  cells: Cells,
  cell: number,
  checker: CheckerPace,
  { outcome, started, ended }: { readonly outcome: number; readonly started: number; readonly ended: number },
): number {
  const evidence = SERVICE_EVIDENCE[outcome]!;
  if (evidence === 0) return ended + Math.min(checker.delayBeforeRetry, checker.delayLoop);
  const memory = stepChecker(checker, cells.checker[cell]!, evidence > 0);
  cells.checker[cell] = memory;
  const page = cells.pages[cell]?.[urlOf(memory)];
  if (page !== undefined && page !== cells.profile[cell]) {
    cells.profile[cell] = page;
    cells.check[cell] = undefined;
  }
  const delay = delayAfter(checker, memory, evidence > 0);
  return checker.kind === 'misc' ? Math.max(ended, started + delay) : ended + delay;
}
