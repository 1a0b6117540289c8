/** Reads a configuration and says what it changes: what a reload needs to know, as a value for another thread. */
import { statSync } from 'node:fs';
import { codeOf } from '../model/errors.ts';
import { diffPlans } from './diff.ts';
import { loadPlanFile } from './load.ts';
import type { LoadAnswer, LoadRequest } from './messages.ts';
import { packPlan, unpackPlan } from './plan-bytes.ts';
import { ConfigError } from './problem.ts';

/** Never throws: a file that is refused is an answer too. */
export function compareFile({ path, hostname, running }: LoadRequest): LoadAnswer {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFIFO())
      return {
        code: 'CONFIG_UNREADABLE',
        refused: `${path} is a FIFO, which only the start can read; a reload needs a file`,
        mistakes: [],
      };
    const plan = loadPlanFile(path, { hostname });
    const { same, needsRestart, summary } = diffPlans(unpackPlan(running), plan);
    return { same, needsRestart, summary, ...(same ? {} : { plan: packPlan(plan) }) };
  } catch (error) {
    const { message } = error as Error;
    return { code: codeOf(error), refused: message, mistakes: error instanceof ConfigError ? message.split('\n') : [] };
  }
}
