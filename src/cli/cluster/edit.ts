/** Single changes: read, change, and again when somebody else was first. */
import type { TxnPlan } from '../../cluster/txn-plan.ts';
import type { ClusterState } from '../../cluster/view/state.ts';
import { FourlaneError } from '../../model/errors.ts';
import type { Session } from './session.ts';

const MOST_TRIES = 10;

/**
 * Carries out what `plan` makes of the state; undefined = there is nothing to do.
 * Rejects with what it throws, or CLUSTER_CONFLICT.
 * @returns whether anything was written
 */
export async function edit(
  session: Pick<Session, 'state'> & { readonly store: Pick<Session['store'], 'commit'> },
  plan: (state: ClusterState) => TxnPlan | undefined,
): Promise<boolean> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const txn = plan(await session.state());
    if (txn === undefined) return false;
    if ((await session.store.commit(txn)).done) return true;
  }
  throw new FourlaneError('CLUSTER_CONFLICT', `${MOST_TRIES} times somebody else changed the same at the same time; try again`);
}
