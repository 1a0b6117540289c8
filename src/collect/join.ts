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
}

/** What one reading adds to what the judge knows. */
export interface JoinedFacts {
  /** State of the data-plane port of each NIC that has one and whose link this reading shows; also when unchanged. */
  readonly links: readonly { readonly nic: number; readonly link: 0 | 1 }[];
  readonly dataplane: readonly UnstampedDataplane[];
}

type UnstampedDataplane = Extract<Unstamped, { kind: 'dataplane' }>;
type PlanPart = Pick<Plan, 'nics' | 'services'>;

/** New connections needed between two readings before their answered share means anything. */
const LEAST_CONNECTIONS = 10;

export class EvidenceJoin {
  readonly #before = new Map<string, Known>();
  /** Packet rates of each port from whichever collector read it last; connections may come from another one. */
  readonly #rates = new Map<string, { readonly t: number; readonly rxPps: number; readonly txPps: number }>();

  /** Facts from a reading of `collector` asked for at `t` (ms). Nothing from its first one: rates need two. */
  facts(plan: PlanPart, collector: string, evidence: Evidence, t: number): JoinedFacts {
    const now: Known = {
      t,
      ports: new Map((evidence.ports ?? []).map((p) => [p.port, p])),
      connections: new Map((evidence.connections ?? []).map((c) => [`${c.vip} ${c.key}`, c])),
    };
    const before = this.#before.get(collector);
    this.#before.set(collector, now);
    const links = plan.nics.flatMap((nic, index) => {
      const link = nic.dataplane === undefined ? undefined : now.ports.get(nic.dataplane)?.link;
      return link === undefined ? [] : [{ nic: index, link }];
    });
    if (before === undefined || t <= before.t) return { links, dataplane: [] };
    for (const [name, port] of now.ports) this.#rate(name, port, before, t);
    return { links, dataplane: this.#dataplane(plan, now, before) };
  }

  #rate(name: string, port: PortEvidence, before: Known, t: number): void {
    const then = before.ports.get(name);
    this.#rates.delete(name);
    if (then === undefined || then.epoch !== port.epoch) return;
    const rx = minus(port.rxPackets, then.rxPackets);
    const tx = minus(port.txPackets, then.txPackets);
    if (rx < 0 || tx < 0) return; // started again
    const seconds = (t - before.t) / 1000;
    this.#rates.set(name, { t, rxPps: Number(rx) / seconds, txPps: Number(tx) / seconds });
  }

  #dataplane(plan: PlanPart, now: Known, before: Known): readonly UnstampedDataplane[] {
    const answered = new Map<number, { asked: number; got: number }>();
    const nicOf = this.#nicOf(plan);
    for (const [key, connection] of now.connections) {
      const nic = nicOf(connection);
      const then = before.connections.get(key);
      if (nic === undefined || then === undefined) continue;
      const asked = minus(connection.connections, then.connections);
      const replies = minus(connection.replies, then.replies);
      if (asked <= 0 || replies < 0) continue;
      const sum = answered.get(nic) ?? { asked: 0, got: 0 };
      sum.asked += Number(asked);
      sum.got += Number(least(asked, replies));
      answered.set(nic, sum);
    }
    return [...answered].flatMap(([nic, { asked, got }]): UnstampedDataplane[] => {
      const { dataplane, device } = plan.nics[nic]!;
      const rates = this.#rates.get(dataplane ?? device);
      if (asked < LEAST_CONNECTIONS || rates === undefined || rates.t < before.t) return [];
      const { rxPps, txPps } = rates;
      return [{ kind: 'dataplane', measuredAt: now.t, nic, rxPps, txPps, answeredRatio: got / asked }];
    });
  }

  /** The NIC that carries a connection: the one with the VIP's port, else the only one of the service. */
  #nicOf(plan: PlanPart): (c: ConnectionEvidence) => number | undefined {
    const byPort = new Map(plan.nics.map((nic, i) => [nic.dataplane ?? nic.device, i]));
    const byVip = new Map(plan.services.map((s) => [s.vip, s.nics.length === 1 ? s.nics[0] : undefined]));
    return (c) => (c.port === undefined ? undefined : byPort.get(c.port)) ?? byVip.get(c.vip);
  }
}

function least(a: Exact, b: Exact): Exact {
  return a < b ? a : b;
}
