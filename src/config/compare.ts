/** Reads a configuration and says what it changes: what a reload needs to know, as a value for another thread. */
import { codeOf } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import { diffPlans } from './diff.ts';
import { loadPlanFile } from './load.ts';
import type { LoadAnswer, LoadRequest } from './messages.ts';
import { packPlan, unpackPlan } from './plan-bytes.ts';
import { ConfigError } from './problem.ts';

/**
 * Never throws: a file that is refused is an answer too.
 * @param known a plan that may be the running one: it need not be read from bytes again
 * @returns the plan of the file, too, unless it is refused
 */
export function compareFile(request: LoadRequest, known?: Plan): { readonly answer: LoadAnswer; readonly plan?: Plan } {
  const { path, hostname, running, fingerprint } = request;
  try {
    const plan = loadPlanFile(path, { hostname }, false);
    const before = known?.fingerprint === fingerprint ? known : unpackPlan(running);
    const emptied = emptiedImport(before, plan);
    if (emptied !== undefined) return { answer: { code: 'CONFIG_INVALID', refused: emptied, mistakes: [] } };
    const { same, needsRestart, summary } = diffPlans(before, plan);
    return { answer: { same, needsRestart, summary, ...(same ? {} : { plan: packPlan(plan) }) }, plan };
  } catch (error) {
    const { message } = error as Error;
    const mistakes = error instanceof ConfigError ? message.split('\n') : [];
    return { answer: { code: codeOf(error), refused: message, mistakes } };
  }
}

/**
 * Why an import that has lost all of its services is refused; undefined when it has not. A file in the middle of being written
 * looks like this, and nobody means to switch a load balancer off with it.
 */
function emptiedImport({ imports: before }: Plan, { imports: after }: Plan): string | undefined {
  if (before?.mode !== 'manage' || after?.mode !== 'manage' || before.services === 0 || after.services > 0) return undefined;
  const had = before.services === 1 ? 'the one virtual server' : `all ${before.services} virtual servers`;
  return (
    `${after.file} has lost ${had} that it had; the running configuration stays. To end managing them, remove the import and ` +
    'reload; or restart the agent'
  );
}
