/** Drift: three questions about each server of a ring. Always reported; repaired by policy, and never fought over. */
import type { Applied, Target } from '../values.ts';

export const DRIFT_QUESTIONS = {
  configuration: 'does it run what its ring must run',
  plan: 'does the same release mean the same there as on the other servers',
  data_plane: 'is what it decided in place',
} as const;
export type DriftQuestion = keyof typeof DRIFT_QUESTIONS;

export interface Drift {
  readonly server: string;
  readonly question: DriftQuestion;
  readonly text: string;
}

/** The answers that are no, of the servers of one ring. */
export function driftsOf(target: Target, applied: ReadonlyMap<string, Applied>): readonly Drift[] {
  const usual = usualPlans(applied);
  return [...applied]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([server, value]): Drift[] => {
      const found: Drift[] = [];
      if (value.running !== target.root) {
        const runs = value.running === null ? 'nothing' : value.running.slice(0, 12);
        found.push({ server, question: 'configuration', text: `runs ${runs}, should run ${target.root.slice(0, 12)}` });
      }
      const other = usual.get(groupOf(value));
      if (value.planHash !== null && other !== undefined && other !== value.planHash)
        found.push({
          server,
          question: 'plan',
          text: 'the same release has another plan here than on most servers of its version: its own file differs',
        });
      const { count, samples } = value.drift;
      if (count > 0)
        found.push({
          server,
          question: 'data_plane',
          text: `${count} differ from the plan, such as ${samples[0] ?? 'unnamed ones'}`,
        });
      return found;
    });
}

/** Plans can be compared between servers that run the same with the same program. */
const groupOf = ({ running, version }: Applied) => `${running} ${version}`;

/** The plan of the greater half of each group; none where there is no such half. */
function usualPlans(applied: ReadonlyMap<string, Applied>): ReadonlyMap<string, string> {
  const counts = new Map<string, Map<string, number>>();
  const sizes = new Map<string, number>();
  for (const value of applied.values()) {
    if (value.planHash === null) continue;
    const group = groupOf(value);
    const plans = counts.get(group) ?? new Map<string, number>();
    counts.set(group, plans.set(value.planHash, (plans.get(value.planHash) ?? 0) + 1));
    sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  const usual = new Map<string, string>();
  for (const [group, plans] of counts) {
    const most = [...plans].find(([, count]) => count > sizes.get(group)! / 2);
    if (most !== undefined) usual.set(group, most[0]);
  }
  return usual;
}
