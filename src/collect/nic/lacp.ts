/** What LACP made of a bond's members. Pure. */
import type { Bond, BondMember } from './bonding.ts';

/** `waiting`: the switch speaks LACP, but nothing is sent on this member (yet). */
export const LACP_STATES = ['distributing', 'waiting', 'other_aggregator', 'no_partner'] as const;
export type Lacp = (typeof LACP_STATES)[number];

const NO_MAC = '00:00:00:00:00:00';
/** Bits of the port state, IEEE 802.1AX: we send on it; nothing has been received from a partner. */
const DISTRIBUTING = 0x20;
const DEFAULTED = 0x40;

/** State of a member of an 802.3ad bond; undefined for other modes and when the kernel does not report it. */
export function lacpState(bond: Bond, m: BondMember): Lacp | undefined {
  const { actorState: state } = m;
  if (bond.mode !== '802.3ad' || state === undefined) return undefined;
  if (m.partner === undefined ? (state & DEFAULTED) !== 0 : m.partner === NO_MAC) return 'no_partner';
  if (bond.aggregator !== undefined && m.aggregator !== bond.aggregator) return 'other_aggregator';
  return (state & DISTRIBUTING) === 0 ? 'waiting' : 'distributing';
}

/**
 * Whether a switch at the other end of the bond speaks LACP; undefined for other modes and when the kernel does not report it.
 */
export function hasPartner(bond: Bond): boolean | undefined {
  if (bond.partner !== undefined) return bond.partner !== NO_MAC;
  const states = bond.members.filter((m) => m.aggregator === bond.aggregator).map((m) => lacpState(bond, m));
  return states.length === 0 || states.includes(undefined) ? undefined : states.some((s) => s !== 'no_partner');
}

/**
 * Whether traffic leaves by this member; undefined when the kernel does not report it. Without a partner the kernel sends all the
 * same, by the member in the active aggregator.
 */
export function carriesTraffic(bond: Bond, m: BondMember): boolean | undefined {
  if (bond.mode === 'active-backup') return m.name === bond.activeMember;
  if (bond.mode !== '802.3ad' || m.mii !== 'up') return m.mii === 'up';
  const lacp = lacpState(bond, m);
  if (lacp === undefined || bond.aggregator === undefined) return undefined;
  return lacp === 'distributing' || (lacp === 'no_partner' && m.aggregator === bond.aggregator);
}
