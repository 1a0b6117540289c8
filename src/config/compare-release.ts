/** A file together with a release of the cluster: whether that may run, and what it would change here. */
import { createHash } from 'node:crypto';
import { type Opened, openRelease, type OpenedRelease } from '../cluster/agent/open.ts';
import { canonical } from '../model/canonical.ts';
import { codeOf } from '../model/errors.ts';
import { type Plan, targetsOf } from '../model/plan.ts';
import { type Compared, compareFile } from './compare.ts';
import type { LoadRequest, ReleaseRequest } from './messages.ts';

/** Of the thread that compares. */
const before: Opened = { known: new Map() };

/** Never throws, as `compareFile`. */
export function compareRelease(request: LoadRequest, release: ReleaseRequest, known?: Plan): Compared {
  let opened: OpenedRelease;
  try {
    opened = openRelease(release, before);
  } catch (error) {
    const { message } = error as Error;
    return { answer: { code: codeOf(error), refused: message, mistakes: [message] } };
  }
  const { refusals, removed } = opened;
  if (refusals.length > 0) return { answer: { code: 'CLUSTER_INVALID', refused: refusals.join('; '), mistakes: refusals } };
  const compared = compareFile(request, known, opened);
  const { answer, plan, diff } = compared;
  if (release.admission === undefined || 'refused' in answer || plan === undefined || diff === undefined) return compared;
  const [added, gone, changed] = [diff.services.added.length, diff.services.removed.length, diff.services.changed.length];
  const counts = { added, removed: gone, changed, actions: removed };
  return { ...compared, answer: { ...answer, release: { counts, planHash: sharedHash(plan), realServers: opened.realServers } } };
}

/** Hash of a plan without what is a server's own: its NICs, its addresses, its sources. */
export function sharedHash({ targets, services, rules }: Plan): string {
  const lines = services.map(({ nics: _, realServers, ...service }) => {
    const members = realServers.map((each) => [targetsOf(each).map((target) => targets[target]!.key), each.weight]);
    return canonical([service, members]);
  });
  return createHash('sha256')
    .update([canonical(rules), ...lines.toSorted()].join('\n'))
    .digest('hex');
}
