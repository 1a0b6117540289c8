/**
 * bgp: keeps the routers from sending over a NIC that failed: shuts its BGP sessions, or withdraws the kernel's routes that the
 * routing daemon redistributes; and undoes it. Only what it has done itself is undone; what somebody else shuts stays shut.
 */
import * as z from 'zod';
import { formatPrefix, masked, parsePrefix } from '../edge/prefix.ts';
import { duration } from '../model/schema.ts';
import { openSpeakers } from '../routing/speakers.ts';
import { actuator, type Actuator } from './actuator.ts';
import type { Driver } from './bgp/driver.ts';
import { drivers, type Machine } from './bgp/drivers.ts';
import { Ledger } from './bgp/ledger.ts';
import { BGP, BGP_DRIVERS, type BgpSpec } from './bgp/spec.ts';

const prefix = z
  .string()
  .refine((text) => text.includes('/') && parsePrefix(text) !== undefined, {
    error: ({ input }) => `"${String(input)}" is no prefix, such as 10.0.0.0/29`,
  })
  .transform((text) => formatPrefix(masked(parsePrefix(text)!)));

const schema = z.strictObject({
  by: z
    .enum(BGP_DRIVERS)
    .default('session')
    .describe(
      '`session`: shuts the sessions over the NIC; `kernelRoute`: takes away kernel routes that the daemon redistributes',
    ),
  prefixes: z
    .array(prefix)
    .max(64)
    .default([])
    .describe("with `kernelRoute`: prefixes whose routes are taken away; none means that of the NIC's group in `snat`"),
  timeout: duration(100, 60_000).prefault('3s').describe('longest time one call may take, all sessions of the NIC together'),
  recheck: duration(500, 3_600_000)
    .prefault('2s')
    .describe('how often it is looked whether what is shut still is; a daemon that starts again opens every session'),
});

/** The actuator over these daemons. */
export function makeBgp(machine: Machine): Actuator {
  const all = drivers(machine);
  const driverOf = ({ by = 'session' }: Partial<BgpSpec>): Driver => all.find(({ name }) => name === by)!;
  return actuator({
    name: BGP,
    summary: 'shuts the BGP sessions over a NIC that failed (FRR, BIRD) or withdraws its routes, and undoes that',
    schema,
    scopes: ['nic'],
    kinds: ['nic'],
    idempotent: true,
    batch: false,
    collector: BGP,
    // One: they share a ledger.
    concurrency: 1,
    identity: (spec) => driverOf(spec as unknown as BgpSpec).identity(spec as unknown as BgpSpec),
    recheck: (spec) => spec.recheck,
    async perform(parameters, [effect]) {
      const spec = parameters as unknown as BgpSpec;
      const ledger = await Ledger.read(spec.ledger);
      const drained = await Ledger.read(spec.drained);
      // What nobody has shut is at rest, and no daemon need be asked.
      if (effect.state === 'ok' && ledger.records.size + drained.records.size === 0) return [{ result: 'unchanged' }];
      const signal = AbortSignal.timeout(spec.timeout);
      return [await driverOf(spec).follow(effect, { spec, ledger, drained, signal })];
    },
  });
}

export const bgp = makeBgp({ open: openSpeakers });
