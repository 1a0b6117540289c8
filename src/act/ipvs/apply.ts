/** Carries out one effect in kernel LVS: find the destination, ask who else manages it, decide, write. */
import { parseAddress } from '../../model/address.ts';
import type { Effect, Note, Outcome } from '../actuator.ts';
import type { Ipvs, KernelService } from './client.ts';
import type { Destination } from './codec.ts';
import { decide, isOurs, noteAfterFailure, whenAbsent } from './decide.ts';
import type { Owner } from './keepalived.ts';

/** The actuator's parameters about other writers. */
interface Settings {
  readonly keepalived: 'leave' | 'overwrite';
  readonly reapply: number;
}

export type Kernel = Pick<Ipvs, 'service' | 'setWeight' | 'close'>;

/** One effect to be carried out. */
export interface Work {
  readonly kernel: Kernel;
  readonly owner: Owner;
  /** Ends the call. */
  readonly signal: AbortSignal;
  readonly effect: Effect;
  /** What the kernel has of its service: read once for all effects of a call. */
  readonly service: Promise<KernelService | undefined>;
  readonly note: Note;
}

/** Brings one real server to its wanted weight. Rejects with why it can't. */
export async function apply({ kernel, owner, signal, effect, service: reading, note }: Work): Promise<Outcome> {
  const { keepalived, reapply } = effect.spec as unknown as Settings;
  const { vip = '', realServer = '' } = effect;
  const service = await reading;
  if (service === undefined) return whenAbsent(effect, note, `IPVS has no service ${vip}`);
  const destination = find(service.destinations, realServer);
  if (destination === undefined) return whenAbsent(effect, note, `IPVS has no destination ${realServer} under ${vip}`);
  if (keepalived === 'leave' && !isOurs(destination.weight, note)) {
    const who = await owner(vip, signal);
    if (who !== undefined) return { result: 'unsupported', message: `${who}; ${KEEPALIVED_REMEDY}`, mayPass: true };
  }
  const { write, outcome } = decide(effect, destination.weight, note, reapply);
  if (write === undefined) return outcome;
  try {
    if (await kernel.setWeight(service.key, destination, write)) return outcome;
  } catch (error) {
    // It may have been written or not: the next call learns from the note what was there.
    return { ...failed(error, note), ...(outcome.note === undefined ? {} : { note: outcome.note }) };
  }
  return whenAbsent(effect, note, `IPVS has no destination ${realServer} under ${vip} any more`);
}

const KEEPALIVED_REMEDY = 'let keepalived drain it (docs/ipvs.md shows how), or write keepalived: overwrite into this actuator';

/** The outcome when the kernel could not be asked, or refused. */
export function failed(error: unknown, note: Note): Outcome {
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
