/**
 * What the stand-in data plane may use: per service its slices (NICs), the weights of its real servers, and paths. Pure state, no
 * I/O.
 */
import { WEIGHT } from './layout.ts';

export interface SwitchboardService {
  readonly name: string;
  readonly nics: readonly string[];
  /** Addresses as in the agent's config. */
  readonly realServers: readonly string[];
}

/** One thing that really changed. `state` 1 = enabled; `weight` is the fraction 0–1 of what is configured. */
export interface Change {
  readonly t: number;
  readonly kind: 'slice' | 'realServer' | 'path';
  readonly service: string;
  readonly nic?: string;
  readonly rs?: string;
  readonly state: 0 | 1;
  readonly weight: number;
}

/** The part of one effect in the agent's webhook body that matters here (docs/actuators.md). */
interface Effect {
  readonly kind?: unknown;
  readonly service?: unknown;
  readonly nic?: unknown;
  readonly realServer?: unknown;
  readonly state?: unknown;
  readonly weight?: unknown;
}

export class Switchboard {
  readonly #services: ReadonlyMap<string, SwitchboardService>;
  /** Weight fraction by key; what is not in it is 1. */
  readonly #values = new Map<string, number>();
  /** Running counters of the smooth weighted round robin. */
  readonly #turns = new Map<string, number>();

  constructor(services: readonly SwitchboardService[]) {
    this.#services = new Map(services.map((service) => [service.name, service]));
  }

  /** The NIC and real server for the next connection; undefined when nothing is enabled. */
  choose(service: string): { nic: string; rs: string } | undefined {
    const known = this.#services.get(service);
    if (known === undefined) return undefined;
    const weightOf = (nic: string, rs: string) => this.#get('realServer', service, '', rs) * this.#get('path', service, nic, rs);
    const open = known.nics.filter(
      (nic) => this.#get('slice', service, nic, '') > 0 && known.realServers.some((rs) => weightOf(nic, rs) > 0),
    );
    const nic = this.#next(service, open, (nic) => this.#get('slice', service, nic, ''));
    if (nic === undefined) return undefined;
    const rs = this.#next(`${service} ${nic}`, known.realServers, (server) => weightOf(nic, server));
    return rs === undefined ? undefined : { nic, rs };
  }

  /** Applies a webhook body, all or nothing. Returns what really changed; throws on what it does not understand. */
  apply(body: unknown, t: number): Change[] {
    const effects = (body as { effects?: unknown } | undefined)?.effects;
    if (!Array.isArray(effects)) throw new Error('the body has no list of effects');
    const read = effects.map((effect) => this.#read(effect as Effect, t));
    return read
      .filter(({ key, change }) => {
        const changed = (this.#values.get(key) ?? 1) !== change.weight;
        this.#values.set(key, change.weight);
        return changed;
      })
      .map(({ change }) => change);
  }

  #read(effect: Effect, t: number): { key: string; change: Change } {
    const wrong = (what: string) => new Error(`effect with ${what}: ${JSON.stringify(effect)}`);
    const { kind, state } = effect;
    const [nic, rs] = [String(effect.nic), String(effect.realServer)];
    const service = this.#services.get(String(effect.service));
    if (service === undefined) throw wrong('an unknown service');
    if (kind !== 'slice' && kind !== 'realServer' && kind !== 'path') throw wrong('an unknown kind');
    if (state !== 'enabled' && state !== 'disabled') throw wrong('an unknown state');
    if (kind !== 'realServer' && !service.nics.includes(nic)) throw wrong('a NIC the service has no slice on');
    if (kind !== 'slice' && !service.realServers.includes(rs)) throw wrong('an unknown real server');
    if (kind === 'realServer' && typeof effect.weight !== 'number') throw wrong('no weight');
    const weight = kind === 'realServer' ? Number(effect.weight) / WEIGHT : state === 'enabled' ? 1 : 0;
    const where = { ...(kind === 'realServer' ? {} : { nic }), ...(kind === 'slice' ? {} : { rs }) };
    return {
      key: keyOf(kind, service.name, where.nic ?? '', where.rs ?? ''),
      change: { t, kind, service: service.name, ...where, state: weight > 0 ? 1 : 0, weight },
    };
  }

  /** Everything that is not fully enabled, by key, with its weight. */
  state(): { reduced: Record<string, number> } {
    return { reduced: Object.fromEntries([...this.#values].filter(([, value]) => value !== 1)) };
  }

  reset(): void {
    this.#values.clear();
  }

  #get(kind: string, service: string, nic: string, rs: string): number {
    return this.#values.get(keyOf(kind, service, nic, rs)) ?? 1;
  }

  /** Smooth weighted round robin, as nginx does it: the one furthest behind its share is next. */
  #next(turn: string, names: readonly string[], weightOf: (name: string) => number): string | undefined {
    let best: string | undefined;
    let bestTurn = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (const name of names) {
      const weight = weightOf(name);
      if (weight <= 0) continue;
      total += weight;
      // A random start: else the slices of a service would go through its real servers in step.
      const value = (this.#turns.get(`${turn} ${name}`) ?? Math.random()) + weight;
      this.#turns.set(`${turn} ${name}`, value);
      if (value > bestTurn) [best, bestTurn] = [name, value];
    }
    if (best !== undefined) this.#turns.set(`${turn} ${best}`, bestTurn - total);
    return best;
  }
}

function keyOf(kind: string, service: string, nic: string, rs: string): string {
  return [kind, service, nic, rs].filter((part) => part !== '').join(' ');
}
