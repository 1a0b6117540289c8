/** What a rule of the edge is, and what it looks at. */
import type { AddressFamily, Plan, Uplink } from '../../model/plan.ts';
import type { ExpectedSet } from '../expected.ts';
import type { Prefix } from '../prefix.ts';
import type { ServerPlan, SnatPlan } from '../snat-plan.ts';

export type Level = 'error' | 'warning' | 'info';

/** A prefix that something else uses, with what it is: `VIP 10.0.0.1`. */
export interface Used {
  readonly prefix: Prefix;
  readonly what: string;
}

/** A local address (laddr) of the data plane. */
export interface LocalAddress {
  readonly address: string;
  /** Worker that it belongs to; left out: all of them share it. */
  readonly core?: number;
  /** Whether it has a pool of ports. */
  readonly pool: boolean;
  /** Services that use it. */
  readonly services: number;
}

/** A BGP session and what it announces. */
export interface SessionSeen extends Pick<Uplink, 'vrf' | 'peer'> {
  readonly nic?: string;
  readonly up: boolean;
  /** Families that it carries. */
  readonly families: readonly AddressFamily[];
  /** Announced prefixes that are known: the planned ones, and when `complete` all others. */
  readonly announced: readonly string[];
  readonly complete: boolean;
  /** How many there are. */
  readonly count: number;
}

/** Another server of the cluster. */
export interface Member {
  readonly name: string;
  /** Its number in the plan. */
  readonly server?: number;
  readonly announced: readonly string[];
}

/** What may be known beside the configuration; left out: not looked at, and rules that need it do not run. */
export interface Seen {
  readonly connected?: readonly Used[];
  readonly locals?: readonly LocalAddress[];
  /** Workers of the data plane by number. */
  readonly workers?: readonly number[];
  readonly sessions?: readonly SessionSeen[];
  readonly blackholes?: readonly Prefix[];
  readonly members?: readonly Member[];
  readonly sync?: 'off' | 'incomplete' | 'complete';
}

/** The configuration and all that follows from it. */
export interface Edge {
  readonly snat: NonNullable<Plan['snat']>;
  readonly plan: SnatPlan;
  readonly own: ServerPlan;
  readonly cluster: Prefix;
  readonly expected: ExpectedSet;
  /** VIPs, anchors, real servers of the configuration. */
  readonly used: readonly Used[];
  /** Of `bgp.vips`, as written. */
  readonly vips: readonly string[];
}

/** What a rule found. */
export interface Found {
  /** What is wrong where: names places and values. */
  readonly message: string;
  /** If it is another one than the rule's. */
  readonly level?: Level;
}

export interface Rule<N extends keyof Seen = never> {
  /** S01 … */
  readonly code: string;
  readonly name: string;
  readonly level: Level;
  /** What has gone wrong, in general. */
  readonly title: string;
  /** What to do. */
  readonly fix: string;
  /** What it looks at beside the configuration. */
  readonly needs: readonly N[];
  readonly find: (edge: Edge, seen: Required<Pick<Seen, N>>) => readonly Found[];
}

/** A rule as the list holds it; what it needs is checked before it runs. */
export type AnyRule = Omit<Rule, 'needs' | 'find'> & {
  readonly needs: readonly (keyof Seen)[];
  readonly find: (edge: Edge, seen: Seen) => readonly Found[];
};

/** Makes sure that a rule names what its function reads. */
export function rule<N extends keyof Seen = never>(one: Rule<N>): AnyRule {
  return one as unknown as AnyRule;
}
