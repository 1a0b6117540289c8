/** An IPVS table in memory, in place of the kernel's. */
import type { Actuator, Effect, Note, Outcome } from '../../src/act/actuator.ts';
import { makeIpvs } from '../../src/act/ipvs.ts';
import type { Destination } from '../../src/act/ipvs/codec.ts';
import { parseAddress } from '../../src/model/address.ts';
import { UNTOUCHED } from './world.ts';

export class Table {
  /** By vip, then by `ip:port`: weights. */
  readonly services = new Map<string, Map<string, number>>();
  /** `10.0.1.2:80=0`, in the order they were written. */
  readonly written: string[] = [];
  opened = 0;
  open = 0;
  /** Thrown by the next of these, and then by no other. */
  failOpen: Error | undefined;
  failWrite: Error | undefined;
  owner: string | undefined;
  readonly actuator: Actuator;

  constructor(services: Readonly<Record<string, Readonly<Record<string, number>>>>) {
    for (const [vip, weights] of Object.entries(services)) this.services.set(vip, new Map(Object.entries(weights)));
    this.actuator = makeIpvs({ open: () => this.kernel(), owner: () => Promise.resolve(this.owner) });
  }

  weight(realServer: string, vip = VIP): number | undefined {
    return this.services.get(vip)?.get(realServer);
  }

  set(realServer: string, weight: number, vip = VIP): void {
    this.services.get(vip)?.set(realServer, weight);
  }

  kernel() {
    this.opened += 1;
    const error = this.failOpen;
    this.failOpen = undefined;
    if (error) return Promise.reject(error);
    this.open += 1;
    return Promise.resolve({
      service: (vip: string) => {
        const weights = this.services.get(vip);
        return Promise.resolve(weights && { key: Buffer.from(vip), destinations: [...weights].map(destination) });
      },
      setWeight: (key: Buffer, { realServer }: Destination, weight: number) => {
        const failure = this.failWrite;
        this.failWrite = undefined;
        if (failure) return Promise.reject(failure);
        const weights = this.services.get(key.toString())!;
        if (!weights.has(realServer)) return Promise.resolve(false);
        weights.set(realServer, weight);
        this.written.push(`${realServer}=${weight}`);
        return Promise.resolve(true);
      },
      close: () => {
        this.open -= 1;
      },
    });
  }
}

export const VIP = '10.0.0.1:80/tcp';

function destination([realServer, weight]: [string, number]): Destination {
  const { ip, port } = parseAddress(realServer.replace(/:0$/, ''), true)!;
  return { realServer, ip, port, weight, forward: 'Masq', attributes: new Map() };
}

/** Wants weights of the table's actuator and keeps the notes, as the reconciler does. */
export class Wanting {
  readonly #table: Table;
  readonly #settings: Record<string, unknown>;
  readonly notes = new Map<string, Note>();

  constructor(table: Table, settings: Record<string, unknown> = {}) {
    this.#table = table;
    this.#settings = settings;
  }

  effect(realServer: string, weight: number, vip = VIP): Effect {
    const spec = { type: 'ipvs', ...this.#table.actuator.schema.parse(this.#settings) };
    const why = { verdict: 'RS_DOWN', cause: 'refused', reason: 'it refuses' } as const;
    const at = { key: realServer, spec, kind: 'realServer', cluster: 'c', server: 's', service: 'web', vip, realServer } as const;
    return { ...at, state: weight > 0 ? 'enabled' : 'disabled', weight, configured: 100, ...why };
  }

  /** Several at once: one call. */
  async all(effects: readonly [Effect, ...Effect[]]): Promise<readonly Outcome[]> {
    const notes = effects.map((e) => this.notes.get(e.key) ?? UNTOUCHED);
    const outcomes = (await this.#table.actuator.perform(effects[0].spec, effects, {
      announce: false,
      notes,
    })) as readonly Outcome[];
    for (const [i, outcome] of outcomes.entries()) if (outcome.note) this.notes.set(effects[i]!.key, outcome.note);
    return outcomes;
  }

  async weight(realServer: string, weight: number, vip = VIP): Promise<Outcome> {
    return (await this.all([this.effect(realServer, weight, vip)]))[0]!;
  }
}
