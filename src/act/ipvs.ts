/**
 * ipvs: weights of real servers in kernel LVS. Weight 0 sends no new connections and keeps the old ones; everything else of a
 * destination (forwarding method, thresholds, tunnel) stays as it was read.
 */
import { z } from 'zod';
import { duration, parseAddress } from '../model/schema.ts';
import { monotonicMs } from '../sys/clock.ts';
import { actuator, type Actuator, type Effect, type Note, type Outcome } from './actuator.ts';
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

type Kernel = Pick<Ipvs, 'service' | 'setWeight' | 'close'>;

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
      try {
        kernel = await open(AbortSignal.timeout(timeout));
      } catch (error) {
        return effects.map((_, i) => failed(error, notes[i]!));
      }
      const services = new Map<string, Promise<KernelService | undefined>>();
      for (const [i, effect] of effects.entries()) {
        const { vip = '', realServer = '' } = effect;
        const service = services.get(vip) ?? kernel.service(vip, realServer);
        services.set(vip, service);
        const done = carryOut({ kernel, owner, effect, service, note: notes[i]! });
        outcomes.push(await done.catch((error: unknown) => failed(error, notes[i]!)));
      }
      kernel.close();
      return outcomes;
    },
  });
}

interface Work {
  readonly kernel: Kernel;
  readonly owner: Owner;
  readonly effect: Effect;
  /** What the kernel has of its service: read once for all effects of a call. */
  readonly service: Promise<KernelService | undefined>;
  readonly note: Note;
}

async function carryOut({ kernel, owner, effect, service: reading, note }: Work): Promise<Outcome> {
  const { keepalived, reapply } = effect.spec as unknown as Spec;
  const { vip = '', realServer = '' } = effect;
  const service = await reading;
  if (service === undefined) return whenAbsent(effect, note, `IPVS has no service ${vip}`);
  const destination = find(service.destinations, realServer);
  if (destination === undefined) return whenAbsent(effect, note, `IPVS has no destination ${realServer} under ${vip}`);
  if (keepalived === 'leave' && !isOurs(destination.weight, note)) {
    const who = await owner(vip);
    if (who !== undefined) return { result: 'unsupported', message: `${who}; ${KEEPALIVED_REMEDY}` };
  }
  const { write, outcome } = decide(effect, destination.weight, note, reapply);
  if (write === undefined) return outcome;
  try {
    if (await kernel.setWeight(service.key, destination, write)) return outcome;
  } catch (error) {
    // It may have been written or not: the note tells the next call what was.
    return { ...failed(error, note), ...(outcome.note === undefined ? {} : { note: outcome.note }) };
  }
  return whenAbsent(effect, note, `IPVS has no destination ${realServer} under ${vip} any more`);
}

const KEEPALIVED_REMEDY = 'let keepalived drain it (docs/ipvs.md shows how), or write keepalived: overwrite into this actuator';

function failed(error: unknown, note: Note): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  return { result: 'failed', message, ...noteAfterFailure(note) };
}

/**
 * The destination of a real server. Its port may be 0 in the kernel (firewall marks), or be left out in the configuration; then
 * the address must be there once.
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
