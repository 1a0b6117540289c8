/**
 * Evidence of collectors → facts for the judge: which NIC a port or service belongs to comes from the plan, rates from two
 * readings. Pure but for its memory of the reading before.
 */
import type { Unstamped } from '../model/facts.ts';
import { type Exact, minus } from '../model/exact.ts';
import type { Plan } from '../model/plan.ts';
import type { ConnectionEvidence, Evidence, PortEvidence } from './collector.ts';

interface Known {
  readonly t: number;
  readonly ports: ReadonlyMap<string, PortEvidence>;
  readonly connections: ReadonlyMap<string, ConnectionEvidence>;
  /** The list as it came, and when it was read: a source may show the same one in several readings. */
  readonly list: Evidence['connections'];
  readonly listT: number;
}

/** What one reading adds to what the judge knows. */
export interface JoinedFacts {
  /** State of the data-plane port of each NIC that has one and whose link this reading shows; also when unchanged. */
  readonly links: readonly { readonly nic: number; readonly link: 0 | 1 }[];
  readonly dataplane: readonly UnstampedDataplane[];
  readonly routing: readonly UnstampedRouting[];
}

type UnstampedDataplane = Extract<Unstamped, { kind: 'dataplane' }>;
type UnstampedRouting = Extract<Unstamped, { kind: 'routing' }>;
type PlanPart = Pick<Plan, 'nics' | 'services'>;

/** New connections needed between two readings before their answered share means anything. */
const LEAST_CONNECTIONS = 10;
/** Answers out of turn nearer to each other than this prove nothing; further apart they are of two occasions: ms. */
const SHORTEST_MS = 200;
const LONGEST_MS = 15_000;

export class EvidenceJoin {
  readonly #before = new Map<string, Known>();
  /** Packet rates of each port from whichever collector read it last; connections may come from another one. */
  readonly #rates = new Map<string, { readonly t: number; readonly rxPps: number; readonly txPps: number }>();

  /** What was answered last about each NIC, by collector and name of the NIC: the beginning of the time of the next fact. */
  readonly #answers = new Map<string, Known>();

  /**
   * Facts from what `collector` answered at `t` (ms) about some NICs, out of turn. A fact is of the time since the answer that
   * the one before was made of; it needs new connections in that time, and is put off until there are some.
   */
  answer(plan: PlanPart, collector: string, evidence: Evidence, t: number): JoinedFacts {
    const now = known(evidence, t);
    const links = linksOf(plan, now);
    const seconds = (before: Known) => (t - before.t) / 1000;
    const dataplane = plan.nics.flatMap((nic, index): UnstampedDataplane[] => {
      const port = nic.dataplane ?? nic.device;
      const shown = now.ports.get(port);
      if (shown === undefined) return [];
      const key = `${collector} ${nic.name}`;
      const before = this.#answers.get(key);
      if (before === undefined || t - before.t > LONGEST_MS) {
        this.#answers.set(key, now);
        return [];
      }
      if (t - before.t < SHORTEST_MS) return [];
      const rates = ratesOf(shown, before.ports.get(port), seconds(before));
      const counted = countAnswered(plan, now, before).get(index);
      if (rates === undefined) this.#answers.set(key, now);
      if (rates === undefined || counted === undefined || counted.asked < LEAST_CONNECTIONS) return [];
      this.#answers.set(key, now);
      return [fact(rates, counted, { nic: index, t, overMs: t - before.t, onRequest: true })];
    });
    return { links, dataplane, routing: [] };
  }

  /** Facts from a reading of `collector` asked for at `t` (ms). Nothing from its first one: rates need two. */
  facts(plan: PlanPart, collector: string, evidence: Evidence, t: number): JoinedFacts {
    const before = this.#before.get(collector);
    const now = known(evidence, t, before);
    this.#before.set(collector, now);
    const links = linksOf(plan, now);
    const routing = routingOf(plan, evidence, t);
    if (before === undefined || t <= before.t) return { links, dataplane: [], routing };
    for (const [name, port] of now.ports) this.#rate(name, port, before, t);
    return { links, dataplane: this.#dataplane(plan, now, before, evidence.onRequest === true), routing };
  }

  #rate(name: string, port: PortEvidence, before: Known, t: number): void {
    const rates = ratesOf(port, before.ports.get(name), (t - before.t) / 1000);
    if (rates === undefined) this.#rates.delete(name);
    else this.#rates.set(name, { t, ...rates });
  }

  #dataplane(plan: PlanPart, now: Known, before: Known, onRequest: boolean): readonly UnstampedDataplane[] {
    return [...countAnswered(plan, now, before)].flatMap(([nic, counted]): UnstampedDataplane[] => {
      const { dataplane, device } = plan.nics[nic]!;
      const rates = this.#rates.get(dataplane ?? device);
      if (counted.asked < LEAST_CONNECTIONS || rates === undefined || rates.t < before.t) return [];
      return [fact(rates, counted, { nic, t: now.t, overMs: now.t - before.listT, onRequest })];
    });
  }
}

function routingOf({ nics }: PlanPart, { routing = [] }: Evidence, t: number): readonly UnstampedRouting[] {
  return routing.flatMap(({ nic: name, ...shown }): UnstampedRouting[] => {
    const nic = nics.findIndex((one) => one.name === name);
    return nic < 0 ? [] : [{ kind: 'routing', measuredAt: t, nic, ...shown }];
  });
}

function known(evidence: Evidence, t: number, before?: Known): Known {
  const list = evidence.connections;
  return {
    t,
    list,
    listT: list !== undefined && before?.list === list ? before.listT : t,
    ports: new Map((evidence.ports ?? []).map((p) => [p.port, p])),
    connections: new Map((evidence.connections ?? []).map((c) => [`${c.vip} ${c.key}`, c])),
  };
}

function linksOf(plan: PlanPart, { ports }: Known): JoinedFacts['links'] {
  return plan.nics.flatMap((nic, index) => {
    const link = nic.dataplane === undefined ? undefined : ports.get(nic.dataplane)?.link;
    return link === undefined ? [] : [{ nic: index, link }];
  });
}

interface Rates {
  readonly rxPps: number;
  readonly txPps: number;
}

/** undefined: not known, or the port has started again. */
function ratesOf(port: PortEvidence, then: PortEvidence | undefined, seconds: number): Rates | undefined {
  if (then === undefined || then.epoch !== port.epoch) return undefined;
  const rx = minus(port.rxPackets, then.rxPackets);
  const tx = minus(port.txPackets, then.txPackets);
  if (rx < 0 || tx < 0) return undefined;
  return { rxPps: Number(rx) / seconds, txPps: Number(tx) / seconds };
}

interface Counted {
  readonly asked: number;
  readonly got: number;
}

/** New connections between two readings and how many of them can have been answered, by NIC. */
function countAnswered(plan: PlanPart, now: Known, before: Known): ReadonlyMap<number, Counted> {
  const answered = new Map<number, { asked: number; got: number }>();
  const nicsOf = nicsBy(plan);
  for (const [key, connection] of now.connections) {
    const nics = nicsOf(connection);
    const then = before.connections.get(key);
    if (nics.length === 0 || then === undefined) continue;
    const asked = minus(connection.connections, then.connections);
    const replies = minus(connection.replies, then.replies);
    if (asked <= 0 || replies < 0) continue;
    for (const nic of nics) {
      const sum = answered.get(nic) ?? { asked: 0, got: 0 };
      sum.asked += Number(asked);
      sum.got += Number(least(asked, replies));
      answered.set(nic, sum);
    }
  }
  return answered;
}

/**
 * The NICs that a connection shows something of: the one with the VIP's port, and the one with the port to the real server; when
 * neither is known, the only one of the service.
 */
export function nicsBy(plan: PlanPart): (c: ConnectionEvidence) => readonly number[] {
  const byPort = new Map(plan.nics.map((nic, i) => [nic.dataplane ?? nic.device, i]));
  const byVip = new Map(plan.services.map((s) => [s.vip, s.nics.length === 1 ? s.nics[0] : undefined]));
  return ({ port, via, vip }) => {
    const found = new Set([port, via].flatMap((name) => (name === undefined ? [] : (byPort.get(name) ?? []))));
    const only = found.size === 0 ? byVip.get(vip) : undefined;
    return only === undefined ? [...found] : [only];
  };
}

interface Origin {
  readonly nic: number;
  readonly t: number;
  readonly overMs: number;
  readonly onRequest: boolean;
}

function fact({ rxPps, txPps }: Rates, { asked, got }: Counted, { nic, t, overMs, onRequest }: Origin): UnstampedDataplane {
  const more = onRequest ? ({ onRequest } as const) : {};
  return { kind: 'dataplane', measuredAt: t, nic, rxPps, txPps, answeredRatio: got / asked, overMs, ...more };
}

function least(a: Exact, b: Exact): Exact {
  return a < b ? a : b;
}
