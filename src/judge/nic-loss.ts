/** R4b: random loss on one NIC, told apart from an outage and from loss that all NICs have. */
import { VERDICT } from '../model/verdicts.ts';
import { held, type State } from './memory.ts';

/** Loss over the mixed cells of a row, that of the other NICs on the same real servers, and how sure it is that they differ. */
export function lossOf({ scan }: State, nic: number): { loss: number; others: number; z: number } {
  const own = scan.lossResults[nic]!;
  const other = scan.othersResults[nic]!;
  if (own === 0 || other === 0) return { loss: own === 0 ? 0 : scan.lossLost[nic]! / own, others: 0, z: 0 };
  const loss = scan.lossLost[nic]! / own;
  const others = scan.othersLost[nic]! / other;
  const pooled = (scan.lossLost[nic]! + scan.othersLost[nic]!) / (own + other);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / own + 1 / other));
  return { loss, others, z: error === 0 ? 0 : (loss - others) / error };
}

/** NIC_FAIL, NIC_PARTIAL or OK by random loss; moves the clocks of the rule. */
export function lossKind(state: State, nic: number, cold: boolean): number {
  const { nics, scan, rules, clock, topology } = state;
  const { loss, others, z } = lossOf(state, nic);
  const results = scan.lossResults[nic]!;
  nics.loss[nic] = results >= rules.lossy_min_results ? loss : 0;
  nics.rowLoss[nic] = loss;
  const random = scan.lossFlips[nic]! >= rules.lossy_alternation * 2 * loss * (1 - loss) * results;
  const returns = scan.lossReturns[nic]! >= rules.nic_min_witnesses && 2 * results >= rules.lossy_min_results;
  nics.lossyHint[nic] = returns && 2 * loss >= rules.lossy_fraction && 2 * z >= rules.lossy_z ? 1 : 0;
  const many = results >= rules.lossy_min_results && scan.lossCells[nic]! >= rules.nic_min_witnesses;
  // Without a good result after a bad one in some cells it is an outage that has just begun, not a loss.
  const lossy = !cold && many && random && returns && loss >= rules.lossy_fraction && z >= rules.lossy_z;
  const fails = lossy && loss >= rules.lossy_fail_fraction && others < rules.lossy_fail_others_max;
  const rounds = (since: Float64Array, on: boolean) => held(since, nic, on, clock) / topology.intervalMs;
  const partial = rounds(nics.lossySince, lossy) >= rules.lossy_hold_rounds;
  if (rounds(nics.lossyFailSince, fails) >= rules.lossy_fail_hold_rounds) return VERDICT.NIC_FAIL;
  return partial ? VERDICT.NIC_PARTIAL : VERDICT.OK;
}
