/**
 * What a driver of the actuator bgp is: one way to keep routers from sending over a NIC. One file each, and a line in
 * drivers.ts.
 */
import { plainShutText } from '../../routing/speaker.ts';
import type { Effect, Outcome } from '../actuator.ts';
import { shutText } from './decide.ts';
import type { Ledger } from './ledger.ts';
import type { BgpSpec } from './spec.ts';

export interface Means {
  readonly spec: BgpSpec;
  readonly ledger: Ledger;
  /** Of `fourlane bgp drain`. */
  readonly drained: Ledger;
  readonly signal: AbortSignal;
}

export interface Driver {
  /** As `by` in the configuration. */
  readonly name: BgpSpec['by'];
  /** By what two entries differ: what they act on. */
  identity(spec: Partial<BgpSpec>): string;
  /** Makes the effect so; rejects with a message for people. */
  follow(effect: Effect, means: Means): Promise<Outcome>;
}

/** The text of a shutdown. */
export const textOf = ({ server }: Effect, why: string) => plainShutText(shutText(server, why));
