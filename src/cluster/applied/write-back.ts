/** The write-back as a transaction: a late one of an older pointer cannot overwrite that of a newer one. */
import { keyOf } from '../keys.ts';
import { put, type TxnPlan } from '../txn-plan.ts';
import type { Applied } from '../values.ts';

/**
 * @param own mod revision of the own key as it was read last, 0 = there is none
 */
export function writeBack(server: string, ring: string, value: Applied, own: number): TxnPlan {
  return {
    compare: [
      { key: keyOf('applied', server), mod: own },
      { key: keyOf('target', ring), mod: value.seen },
    ],
    writes: [put('applied', [server], value)],
  };
}
