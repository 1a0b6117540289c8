/**
 * ipvs: weights of real servers in kernel LVS. Weight 0 sends no new connections and keeps the old ones; everything else of a
 * destination (forwarding method, thresholds, tunnel) stays as it was read.
 */
import * as z from 'zod';
import { duration } from '../model/schema.ts';
import { monotonicMs } from '../sys/clock.ts';
import { actuator, type Actuator, type Outcome } from './actuator.ts';
import { apply, failed, type Kernel } from './ipvs/apply.ts';
import { Ipvs, type KernelService } from './ipvs/client.ts';
import { lvsSchema } from './ipvs/schema.ts';
import { keepalivedOwner, type Owner } from './ipvs/keepalived.ts';

const schema = z.strictObject({
  keepalived: z
    .enum(['leave', 'overwrite'])
    .default('leave')
    .describe('what to do with services that a running keepalived manages: leave them alone, or set their weights all the same'),
  recheck: duration(200, 3_600_000)
    .prefault('2s')
    .describe('while a real server has not its full weight: time between two looks whether somebody else has changed it'),
  reapply: z
    .int()
    .min(0)
    .max(1000)
    .default(5)
    .describe('how many looks in a row may find a weight overwritten, and set it again; then it is left and reported'),
  make: lvsSchema
    .optional()
    .describe(
      'the service and its real servers are made in kernel LVS, and kept as written here; default: they have to be there',
    ),
  timeout: duration(50, 60_000).prefault('2s').describe('longest time one call may take, all its real servers together'),
});

export interface IpvsParts {
  /** Opens the kernel's tables. */
  readonly open: (signal: AbortSignal) => Promise<Kernel>;
  readonly owner: Owner;
}

/** The actuator over these parts. */
export function makeIpvs({ open, owner }: IpvsParts): Actuator {
  return actuator({
    name: 'ipvs',
    summary: 'sets weights of real servers in kernel LVS, and puts back exactly what it found',
    schema,
    scopes: ['service'],
    kinds: ['realServer'],
    idempotent: true,
    batch: true,
    concurrency: 1,
    // One, so that what an effect has noted outlives a change of its parameters.
    identity: () => '',
    recheck: (spec) => spec.recheck,
    async perform({ timeout }, effects, { notes }) {
      const outcomes: Outcome[] = [];
      let kernel: Kernel;
      const signal = AbortSignal.timeout(timeout);
      try {
        kernel = await open(signal);
      } catch (error) {
        return effects.map((_, i) => failed(error, notes[i]!));
      }
      const services = new Map<string, Promise<KernelService | undefined>>();
      for (const [i, effect] of effects.entries()) {
        const { vip = '', realServer = '' } = effect;
        const service = services.get(vip) ?? kernel.service(vip, realServer);
        services.set(vip, service);
        const done = apply({ kernel, owner, signal, effect, service, note: notes[i]! });
        outcomes.push(await done.catch((error: unknown) => failed(error, notes[i]!)));
      }
      kernel.close();
      return outcomes;
    },
  });
}

export const ipvs = makeIpvs({ open: (signal) => Ipvs.open(signal), owner: keepalivedOwner(monotonicMs) });
