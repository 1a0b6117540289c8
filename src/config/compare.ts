/** Reads a configuration and says what it changes: what a reload needs to know, as a value for another thread. */
import { codeOf } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import { diffPlans, type PlanDiff } from './diff.ts';
import { loadPlanFile, type ReleasePart } from './load.ts';
import type { Followed, LoadAnswer, LoadRequest } from './messages.ts';
import { packPlan, unpackPlan } from './plan-bytes.ts';
import { ConfigError } from './problem.ts';

export interface Compared {
  readonly answer: LoadAnswer;
  /** The plan of the file, and what it changes, unless it is refused. */
  readonly plan?: Plan;
  readonly diff?: PlanDiff;
}

/**
 * Never throws: a file that is refused is an answer too.
 * @param known a plan that may be the running one: it need not be read from bytes again
 * @param release what the file is merged with
 */
export function compareFile(request: LoadRequest, known?: Plan, release?: ReleasePart): Compared {
  const { path, hostname, running, fingerprint } = request;
  let followed: Followed | undefined;
  const read = (files: Followed) => void (followed = files);
  try {
    const plan = loadPlanFile(path, { hostname, release, read }, false);
    followed ??= new Map();
    const before = known?.fingerprint === fingerprint ? known : unpackPlan(running);
    const emptied = emptiedImport(before, plan) ?? emptiedFile(before, plan);
    if (emptied !== undefined) return { answer: { code: 'CONFIG_INVALID', refused: emptied, mistakes: [], followed } };
    const diff = diffPlans(before, plan);
    const { same, needsRestart, summary } = diff;
    return { answer: { same, needsRestart, summary, followed, ...(same ? {} : { plan: packPlan(plan) }) }, plan, diff };
  } catch (error) {
    const { message } = error as Error;
    const code = codeOf(error);
    const mistakes = error instanceof ConfigError || code === 'CLUSTER_INVALID' ? message.split('\n') : [];
    return { answer: { code, refused: message, mistakes, followed } };
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

/** Why a file without services is refused where a cluster's release has those that run, or is to have them. */
function emptiedFile(before: Plan, after: Plan): string | undefined {
  if (before.services.length === 0 || after.services.length > 0) return undefined;
  if (after.etcd !== undefined)
    return 'the file has no services, and no release of the cluster has run here yet; what runs stays until one does';
  if (before.etcd === undefined) return undefined;
  return 'the file has neither services nor cluster.etcd; what runs stays. Write services into the file, or restart the agent';
}
