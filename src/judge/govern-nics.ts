/** NICs: a failed one loses its slices, as far as enough others are left. */
import { LIMIT } from '../model/limits.ts';
import type { Action } from '../model/verdict.ts';
import { CAUSE } from '../model/verdicts.ts';
import { type GovernorPass, limitName, notes } from './governor-pass.ts';
import { limitOn } from './limits/index.ts';
import { isOut, type State } from './memory.ts';
import { nicKey } from './subjects.ts';

function nicAction({ topology }: State, nic: number, on: boolean): Action {
  return { action: on ? 'enable_nic' : 'disable_nic', nic: topology.nics[nic]!.name };
}

function setNic({ state, governor, report }: GovernorPass, nic: number, on: 0 | 1): void {
  governor.wanted.nicEnabled[nic] = on;
  governor.heldNic[nic] = 0;
  report.done(nicAction(state, nic, on === 1), nicKey(nic));
}

function holdNic(pass: GovernorPass, nic: number, limit: number, on: boolean): void {
  if (notes(pass.governor.heldNic, nic, limit)) pass.report.held(nicAction(pass.state, nic, on), limitName(limit), nicKey(nic));
}

/** Gives back first, so that a swap never passes through fewer NICs than before. */
export function moveNics(pass: GovernorPass): void {
  const { state, governor } = pass;
  const { nicEnabled } = governor.wanted;
  const { cause, at } = state.nics;
  const certain = (nic: number) => cause[nic] === CAUSE.carrier;
  const out: number[] = [];
  for (let nic = 0; nic < nicEnabled.length; nic++) {
    if (!isOut(state, nic)) {
      governor.heldNic[nic] = 0;
      if (nicEnabled[nic] === 0) setNic(pass, nic, 1);
    } else if (nicEnabled[nic] === 1) out.push(nic);
  }
  // A carrier that is gone is certain: it takes what the limits leave before anything that was inferred.
  out.sort((a, b) => Number(certain(b)) - Number(certain(a)) || at[a]! - at[b]! || a - b);
  for (const nic of out) {
    const change = { kind: 'nic', nic, certain: certain(nic) } as const;
    let limit = limitOn(change, pass);
    if (limit !== 0 && change.certain && swapIn(pass)) limit = limitOn(change, pass);
    if (limit === 0) setNic(pass, nic, 0);
    else holdNic(pass, nic, limit, false);
  }
}

/** A NIC that is held down but looks well is better than one without carrier: it comes back early. */
function swapIn(pass: GovernorPass): boolean {
  const { recoverSince, carrier } = pass.state.nics;
  const nic = pass.governor.wanted.nicEnabled.findIndex((on, each) => on === 0 && recoverSince[each]! > 0 && carrier[each] !== 0);
  if (nic >= 0) setNic(pass, nic, 1);
  return nic >= 0;
}

/** In a freeze: what the verdicts ask for waits, in both directions. */
export function holdNics(pass: GovernorPass): void {
  const { state, governor } = pass;
  for (let nic = 0; nic < governor.heldNic.length; nic++) {
    const on = governor.wanted.nicEnabled[nic] === 1;
    if (on === isOut(state, nic)) holdNic(pass, nic, LIMIT.freeze, !on);
    else governor.heldNic[nic] = 0;
  }
}
