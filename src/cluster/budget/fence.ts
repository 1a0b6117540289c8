/**
 * Fences: an act belongs to one tenure of a holder. The fence is the create revision of the holder's key, which stays while he
 * holds and is greater each time he holds again, so that an act that was late cannot undo what came after it.
 */

/** The newest fence that was acted on. */
export interface FenceGuard {
  /** Counts restores of etcd: in each, revisions begin again. */
  readonly epoch: number;
  readonly newest: number;
}

export const NO_FENCE: FenceGuard = { epoch: 0, newest: 0 };

/** The guard after an act of this fence; undefined = it is older than one that was acted on, and must not be done. */
export function admit(guard: FenceGuard, epoch: number, fence: number): FenceGuard | undefined {
  if (epoch < guard.epoch || (epoch === guard.epoch && fence < guard.newest)) return undefined;
  return { epoch, newest: fence };
}
