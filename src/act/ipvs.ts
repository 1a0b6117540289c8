/**
 * ipvs: weights of real servers in kernel LVS. Weight 0 sends no new connections and keeps the old ones; everything else of a
 * destination (forwarding method, thresholds, tunnel) stays as it was read.
 */
import { z } from 'zod';
import { duration } from '../model/schema.ts';
import { parseAddress } from '../model/schema.ts';
import { monotonicMs } from '../sys/clock.ts';
import { actuator, type Actuator, type Effect, type Outcome } from './actuator.ts';
import type { Destination } from './ipvs/codec.ts';
import { decide, isOurs, noteAfterFailure, whenAbsent } from './ipvs/decide.ts';
import { keepalivedOwner, type Owner } from './ipvs/keepalived.ts';
import { Ipvs, type KernelService } from './ipvs/kernel.ts';

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
  timeout: duration(50, 60_000).prefault('2s').describe('longest time one call may take, all its real servers together'),
});
type Spec = z.output<typeof schema>;
type Note = string | null | undefined;

export interface IpvsParts {
  /** Opens the kernel's tables. */
  readonly open: (signal: AbortSignal) => Promise<Pick<Ipvs, 'service' | 'setWeight' | 'close'>>;
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
    async perform(spec, effects, { notes = [] }) {
      const kernel = await open(AbortSignal.timeout(spec.timeout)).catch((error: unknown) => error as Error);
      if (kernel instanceof Error) return effects.map((_, i) => failed(kernel, notes[i]));
      const services = new Map<string, Promise<KernelService | undefined>>();
      const outcomes: Outcome[] = [];
      try {
        for (const [i, effect] of effects.entries()) {
          const { vip = '', realServer = '' } = effect;
          const read = services.get(vip) ?? kernel.service(vip, realServer);
          services.set(vip, read);
          outcomes.push(await carryOut(effect, read, notes[i]).catch((error: unknown) => failed(error as Error, notes[i])));
        }
      } finally {
        kernel.close();
      }
      return outcomes;

      async function carryOut(effect: Effect, reading: Promise<KernelService | undefined>, note: Note): Promise<Outcome> {
        const own = effect.spec as unknown as Spec;
        const service = await reading;
        if (service === undefined) return whenAbsent(effect, note, `IPVS has no service ${effect.vip}`);
        const destination = find(service.destinations, effect.realServer ?? '');
        if (destination === undefined)
          return whenAbsent(effect, note, `IPVS has no destination ${effect.realServer} under ${effect.vip}`);
        if (own.keepalived === 'leave' && !isOurs(destination.weight, note)) {
          const who = await owner(effect.vip ?? '');
          if (who !== undefined) return { result: 'unsupported', message: `${who}; ${KEEPALIVED_REMEDY}` };
        }
        const { write, outcome } = decide(effect, destination.weight, note, own.reapply);
        if (write === undefined) return outcome;
        const written = await (kernel as Ipvs)
          .setWeight(service.key, destination, write)
          .catch((error: unknown) => error as Error);
        if (written instanceof Error)
          return { result: 'failed', message: written.message, ...(outcome.note === undefined ? {} : { note: outcome.note }) };
        return written
          ? outcome
          : whenAbsent(effect, note, `IPVS has no destination ${effect.realServer} under ${effect.vip} any more`);
      }
    },
  });
}

const KEEPALIVED_REMEDY = 'let keepalived drain it (docs/ipvs.md shows how), or write keepalived: overwrite into this actuator';

function failed(error: Error, note: Note): Outcome {
  const kept = noteAfterFailure(note);
  return { result: 'failed', message: error.message, ...(kept === undefined ? {} : { note: kept }) };
}

/**
 * The destination of a real server. Its port may be 0 in the kernel (firewall marks), or be left out in the configuration; then the
 * address must be there once.
 */
function find(destinations: readonly Destination[], realServer: string): Destination | undefined {
  const address = parseAddress(realServer, true);
  if (address === undefined) return undefined;
  const same = destinations.filter((d) => d.ip === address.ip);
  const exact = same.find((d) => d.port === address.port);
  const loose = same.filter((d) => d.port === 0 || address.port === 0);
  return exact ?? (loose.length === 1 ? loose[0] : undefined);
}

export const ipvs = makeIpvs({ open: (signal) => Ipvs.open(signal), owner: keepalivedOwner(monotonicMs) });
