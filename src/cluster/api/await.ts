/** Waits until the servers have done what a pointer asks. Nothing is missed: what is followed begins at the write or after it. */
import { type Barrier, barrierText, type BarrierOutcome, outcomeOf } from '../barrier/barrier.ts';
import type { Follow, View } from './follow.ts';
import { barrierIn } from './lead-rollout.ts';

export interface AwaitParts {
  readonly follow: Pick<Follow, 'view' | 'next' | 'error'>;
  readonly rings: readonly string[];
  /** Of the write. */
  readonly revision: number;
  readonly allowAbsent: number;
  /** Monotonic ms. */
  readonly clock: () => number;
  readonly deadline: number;
  readonly told: (text: string, share: number) => void;
  readonly signal: AbortSignal;
}

export interface Awaited {
  readonly outcome: BarrierOutcome;
  readonly rings: readonly { readonly ring: string; readonly barrier: Barrier }[];
}

/** Which of several outcomes counts. */
const WORST: readonly BarrierOutcome[] = ['failed', 'waiting', 'absent', 'done'];

/** Resolves when all have done it, one has failed, only absent ones are missing, or the time is over (`waiting`). */
export async function awaitApplied(parts: AwaitParts): Promise<Awaited> {
  const { follow, revision, clock, deadline, told, signal } = parts;
  let last: Awaited = { outcome: 'waiting', rings: [] };
  for (;;) {
    const view = follow.view();
    if (view !== undefined && view.revision >= revision) {
      last = lookAt(view, parts);
      const counts = last.rings.map(({ barrier }) => barrier);
      const awaited = counts.reduce((sum, barrier) => sum + barrier.expected - barrier.counts.excused, 0);
      const done = counts.reduce((sum, barrier) => sum + barrier.counts.done, 0);
      told(
        last.rings.map(({ ring, barrier }) => `ring ${ring}: ${barrierText(barrier)}`).join('. '),
        awaited === 0 ? 1 : done / awaited,
      );
      if (last.outcome !== 'waiting') return last;
    } else if (follow.error !== '') told(`etcd: ${follow.error}`, 0);
    if (clock() >= deadline || signal.aborted) return last;
    await follow.next();
  }
}

function lookAt(view: View, { rings, allowAbsent }: AwaitParts): Awaited {
  const barriers = rings
    .filter((ring) => view.state.target.has(ring))
    .map((ring) => ({ ring, barrier: barrierIn(view, ring, 'apply') }));
  const absent = barriers.reduce((sum, { barrier }) => sum + barrier.counts.absent, 0);
  const outcomes = barriers.map(({ barrier }) => outcomeOf(barrier, absent <= allowAbsent ? absent : 0));
  return { outcome: WORST.find((each) => outcomes.includes(each)) ?? 'done', rings: barriers };
}
