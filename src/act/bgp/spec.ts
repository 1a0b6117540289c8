/** What the actuator bgp is given with each effect: the configuration of its NIC's sessions. Pure. */
import { expectedSet, sessionKey } from '../../edge/expected.ts';
import type { ActuatorSpec, AddressFamily, Plan, Uplink } from '../../model/plan.ts';
import { BIRD_SOCKET, FRR_DIRECTORY } from '../../routing/places.ts';
import type { Sockets } from '../../routing/speaker.ts';

export const BGP = 'bgp';
/** Ways to keep routers from sending over a NIC. */
export const BGP_DRIVERS = ['session', 'kernelRoute'] as const;

/** A session by the words of the configuration. */
export interface Peer {
  readonly vrf: string;
  readonly peer: string;
  readonly families: readonly AddressFamily[];
}

/** One session that may be needed after this NIC's are shut. */
export interface OtherPeer extends Peer {
  readonly nic: string;
}

/** Parameters of an effect: those of the file, and what follows from the rest of the configuration. */
export interface BgpSpec extends ActuatorSpec, Sockets {
  readonly by: (typeof BGP_DRIVERS)[number];
  /** Of `kernelRoute`: prefixes of the NIC, and those of other NICs that act so. */
  readonly prefixes: readonly string[];
  readonly otherPrefixes: readonly { readonly nic: string; readonly prefixes: readonly string[] }[];
  readonly timeout: number;
  readonly recheck: number;
  /** File that says what this agent has shut, and that of `fourlane bgp drain`. */
  readonly ledger: string;
  readonly drained: string;
  /** Sessions over the NIC. */
  readonly uplinks: readonly Peer[];
  /** Sessions over other NICs. */
  readonly others: readonly OtherPeer[];
}

/** Files below the directory of the state. */
export function ledgerFiles({ stateDir }: Pick<Plan, 'stateDir'>): Pick<BgpSpec, 'ledger' | 'drained'> {
  return { ledger: `${stateDir}/bgp-shut.json`, drained: `${stateDir}/bgp-drained.json` };
}

/** Where the daemons are: as the collector is told. */
export function socketsOf({ collectors }: Pick<Plan, 'collectors'>): Sockets {
  const { frr = FRR_DIRECTORY, bird = BIRD_SOCKET } = (collectors[BGP] || {}) as Partial<Sockets>;
  return { frr, bird };
}

/** An entry of `onFail` with what it acts on; other actuators' entries stay as they are. */
export function withUplinks(plan: Plan, nic: string, spec: ActuatorSpec): ActuatorSpec {
  if (spec.type !== BGP) return spec;
  const uplinks = plan.bgp?.uplinks ?? [];
  return {
    ...spec,
    ...socketsOf(plan),
    ...ledgerFiles(plan),
    uplinks: uplinks.filter((u) => u.nic === nic).map(peerOf),
    others: uplinks.filter((u) => u.nic !== nic).map((u) => ({ ...peerOf(u), nic: u.nic })),
    ...withPrefixes(plan, nic, spec as BgpSpec),
  };
}

function withPrefixes(plan: Plan, nic: string, { by, prefixes }: BgpSpec): Pick<BgpSpec, 'prefixes' | 'otherPrefixes'> {
  if (by !== 'kernelRoute') return { prefixes: [], otherPrefixes: [] };
  const set = expectedSet(plan);
  const ofGroup = (name: string) =>
    set.prefixes.flatMap((p) => (p.level === 'group' && p.uplinks.some((u) => u.nic === name) ? p.prefix : []));
  const of = (name: string, { prefixes: own }: Pick<BgpSpec, 'prefixes'>) => (own.length > 0 ? own : ofGroup(name));
  const otherPrefixes = plan.nics.flatMap(({ name, onFail }) => {
    const other = onFail.find(({ type, ...rest }) => type === BGP && rest['by'] === 'kernelRoute') as BgpSpec | undefined;
    return name === nic || other === undefined ? [] : [{ nic: name, prefixes: of(name, other) }];
  });
  return { prefixes: of(nic, { prefixes }), otherPrefixes };
}

export const peerOf = ({ vrf, peer, families }: Uplink): Peer => ({ vrf, peer, families });

/** By what two entries differ: the sessions they act on. */
export function identityOfUplinks({ uplinks = [] }: Partial<BgpSpec>): string {
  return uplinks.map(sessionKey).toSorted().join(',');
}
