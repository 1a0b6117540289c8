/** Where the data plane is not as it was decided, as it is reported to the cluster: what failed, not what is under way. */
import type { Reconciler } from '../act/reconciler.ts';
import type { Applied } from '../cluster/values.ts';
import { effectText } from '../model/subject.ts';

const MOST_LOOKED = 100;
const MOST_SAMPLES = 5;
const MOST_TEXT = 200;

export function driftOf(reconciler: Pick<Reconciler, 'pending' | 'unsupported' | 'failingCount'>): Applied['drift'] {
  const count = reconciler.failingCount();
  if (count === 0) return { count, samples: [] };
  const failing = [...reconciler.unsupported(MOST_LOOKED), ...reconciler.pending(MOST_LOOKED)].filter(
    ({ failures, state }) => failures > 0 || state === 'unsupported',
  );
  const samples = failing
    .slice(0, MOST_SAMPLES)
    .map(({ effect }) => `${effect.spec.type}: ${effectText(effect)} is not ${effect.state}`.slice(0, MOST_TEXT));
  return { count, samples };
}
