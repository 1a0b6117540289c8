/** Keeps its own simple books of the evidence and of the data plane, and checks the judge against them (P1–P5, P9–P11). */
import { LINK_EVIDENCE, NETDOWN, SERVICE_EVIDENCE } from '../../src/model/outcome.ts';
import type { JudgeState } from '../../src/judge/judge.ts';
import { VERDICT } from '../../src/model/verdicts.ts';
import type { Topology } from '../../src/model/topology.ts';
import type { Action, Decisions, Transition } from '../../src/model/verdict.ts';
import type { FleetFact, RoutingFact } from '../../src/model/facts.ts';
import type { PassFacts } from './sequences.ts';

/** What a cell showed: last valid link result, last link-good and service-good times, first service-bad time since. */
interface Seen {
  linkT: number;
  good: boolean;
  linkGoodT: number;
  serviceGoodT: number;
  serviceBadT: number;
}

const NEVER = -1e12;

export interface Broken {
  readonly property: string;
  readonly message: string;
}

export class Witness {
  readonly #t: Topology;
  readonly #cells: Seen[];
  readonly #anchorBad: number[];
  /** What routing daemons showed last, by NIC, and whether BFD was ever up. */
  readonly #routing = new Map<number, RoutingFact>();
  readonly #bfdEver = new Set<number>();
  readonly #carrier: (0 | 1)[];
  readonly #netdown: boolean[];
  /** What the other load balancers said last. */
  #fleet: FleetFact | undefined;
  /** The data plane as the actions made it. */
  readonly #nics: number[];
  readonly #weights: number[][];
  readonly #paths: number[][];
  readonly #spent: { readonly t: number; readonly service: string; readonly cost: number; readonly agent: number }[] = [];

  constructor(t: Topology) {
    this.#t = t;
    this.#cells = Array.from({ length: t.nics.length * t.realServers.length }, () => ({
      linkT: NEVER,
      good: false,
      linkGoodT: NEVER,
      serviceGoodT: NEVER,
      serviceBadT: NEVER,
    }));
    this.#anchorBad = t.nics.map(() => 0);
    this.#carrier = t.nics.map(() => 1);
    this.#netdown = t.nics.map(() => false);
    this.#nics = t.nics.map(() => 1);
    this.#weights = t.services.map((v) => v.realServers.map(() => 1));
    this.#paths = t.services.map((v) => Array.from({ length: v.nics.length * v.realServers.length }, () => 1));
  }

  /** Takes in one pass and what was decided; the first property that is broken, or undefined. */
  check(p: PassFacts, state: JudgeState, decisions: Decisions): Broken | undefined {
    this.#observe(p);
    for (const x of decisions.transitions) {
      const broken = this.#checkTransition(x, state, p.now);
      if (broken) return broken;
    }
    return this.#checkCombined(decisions, state) ?? this.#checkActions(decisions, p.now);
  }

  #observe(p: PassFacts): void {
    const m = this.#t.realServers.length;
    for (const fact of p.observations) {
      if (fact.kind === 'link') this.#carrier[fact.nic] = fact.carrier;
      if (fact.kind === 'fleet') this.#fleet = fact;
      if (fact.kind === 'routing') {
        this.#routing.set(fact.nic, fact);
        if (fact.bfd === 1) this.#bfdEver.add(fact.nic);
      }
    }
    for (const [i, target, outcome, t] of p.results) {
      const link = LINK_EVIDENCE[outcome]!;
      if (target < 0) {
        if (link !== 0) this.#anchorBad[i] = link > 0 ? 0 : this.#anchorBad[i]! + 1;
        continue;
      }
      if (outcome === NETDOWN) this.#netdown[i] = true;
      else if (link !== 0) this.#netdown[i] = false;
      const cell = this.#cells[i * m + target]!;
      const at = Math.min(t, p.now);
      if (link !== 0) {
        cell.linkT = at;
        cell.good = link > 0;
      }
      if (link > 0) cell.linkGoodT = at;
      const service = SERVICE_EVIDENCE[outcome]!;
      if (service > 0) cell.serviceGoodT = at;
      if (service < 0 && cell.serviceBadT <= cell.serviceGoodT) cell.serviceBadT = at;
    }
  }

  #timing(j: number): { round: number; limit: number } {
    const r = this.#t.realServers[j]!;
    const interval = r.intervalMs ?? this.#t.intervalMs;
    const timeout = r.timeoutMs ?? this.#t.timeoutMs;
    return { round: interval + timeout, limit: interval * 1.2 + timeout };
  }

  /** P1: some real server that another group reaches gives this NIC no good answer. */
  #hasWitness(i: number, now: number): boolean {
    const { nics, realServers } = this.#t;
    return realServers.some((_, j) => {
      const own = this.#cells[i * realServers.length + j]!;
      const { limit } = this.#timing(j);
      if (own.linkT < now - limit) return false;
      return nics.some((other, k) => {
        const seen = this.#cells[k * realServers.length + j]!;
        return other.group !== nics[i]!.group && seen.good && seen.linkT >= now - limit;
      });
    });
  }

  /** P9: whether two thirds of three others or more have just said that they reach a real server. */
  #isReachableElsewhere(j: number, now: number): boolean {
    const fact = this.#fleet;
    if (fact === undefined || now - fact.t > this.#t.rules['fleet_fresh_ms']!) return false;
    const at = fact.servers.indexOf(j);
    const of = fact.witnesses - (at < 0 ? 0 : fact.unknown[at]!);
    const reachable = of - (at < 0 ? 0 : fact.bad[at]!);
    return of >= 3 && reachable >= 0.66 * of;
  }

  /** P9: nothing is blamed on the way there, or on this server, but by the word of others. */
  #checkFleet({ verdict, cause, rs, previous }: Transition, now: number): Broken | undefined {
    const { realServers } = this.#t;
    const elsewhere = realServers.map((_, j) => this.#isReachableElsewhere(j, now));
    if (verdict === 'AGENT_ILL' && !elsewhere.some(Boolean))
      return { property: 'P9', message: 'nobody reaches anything elsewhere' };
    if (verdict !== 'RS_DOWN' || cause !== 'local_path') return undefined;
    if (previous !== 'RS_DOWN') return { property: 'P9', message: `${rs} was called local_path at once` };
    return elsewhere[realServers.findIndex(({ id }) => id === rs)]
      ? undefined
      : { property: 'P9', message: `${rs} is not reachable` };
  }

  /** R15: whether BFD behind the NIC has been up, and is down by a fact that is not too old. */
  #isBfdDown(i: number, now: number): boolean {
    const fact = this.#routing.get(i);
    const limit = this.#t.rules['routing_fresh_ms']!;
    return fact?.bfd === 0 && this.#bfdEver.has(i) && now - fact.t <= limit;
  }

  #checkTransition(x: Transition, state: JudgeState, now: number): Broken | undefined {
    const t = this.#t;
    const broken = this.#checkFleet(x, now);
    if (broken) return broken;
    if (x.cause === 'bfd') {
      const i = t.nics.findIndex((n) => n.name === x.nic);
      if (x.verdict !== 'SUSPECT' || !this.#isBfdDown(i, now) || this.#routing.get(i)?.session !== 1)
        return { property: 'P10', message: `${x.nic}: BFD is not down under a session that is up` };
    }
    if (x.verdict === 'NIC_FAIL') {
      const i = t.nics.findIndex((n) => n.name === x.nic);
      const hard = this.#carrier[i] === 0 || this.#netdown[i]!;
      if (x.cause === 'carrier' && !hard) return { property: 'P1', message: `${x.nic} has carrier` };
      if (x.cause !== 'carrier' && !this.#hasWitness(i, now) && this.#anchorBad[i]! === 0 && !this.#isBfdDown(i, now))
        return { property: 'P1', message: `${x.nic} failed without witness` };
      // Fewer than three witnesses are not enough alone: the anchors must agree.
      if (x.cause === 'upstream' && x.evidence.witnesses < 3)
        return { property: 'P1', message: `${x.nic} failed by ${x.evidence.witnesses}` };
    }
    if (x.verdict === 'PATH') {
      const j = t.realServers.findIndex((r) => r.id === x.rs);
      const own = t.nics.findIndex((n) => n.name === x.nic);
      const seen = t.nics.map((_, i) => this.#cells[i * t.realServers.length + j]!);
      if (!seen.some(({ serviceGoodT }, i) => i !== own && serviceGoodT > seen[own]!.serviceBadT))
        return { property: 'P11', message: `${x.rs} was not good by another NIC since it is bad by ${x.nic}` };
    }
    if (x.verdict === 'RS_DOWN') {
      const j = t.realServers.findIndex((r) => r.id === x.rs);
      // Another property holds for those that follow a checker (`by-checker.test.ts`).
      if (t.realServers[j]!.checker !== undefined) return undefined;
      const recent = now - this.#timing(j).round;
      for (let i = 0; i < t.nics.length; i++) {
        const seen = this.#cells[i * t.realServers.length + j]!;
        const trusted = state.nics.trusted[i] === 1;
        if (trusted && x.cause === 'unreachable' && seen.linkGoodT >= recent)
          return { property: 'P2', message: `${x.rs} is reachable by ${t.nics[i]!.name}` };
        if (seen.serviceGoodT >= recent) return { property: 'P2', message: `${x.rs} was good by ${t.nics[i]!.name}` };
      }
    }
    return undefined;
  }

  /** A real server leaves a service, or a slice, only as its checks together say, and comes back only then. */
  #checkCombined({ actions }: Decisions, { servers, cells }: JudgeState): Broken | undefined {
    const t = this.#t;
    const isDown = (j: number) => servers.verdict[j] === VERDICT.RS_DOWN;
    for (const a of actions) {
      if (!('service' in a)) continue;
      const service = t.services.find((s) => s.name === a.service)!;
      const r = service.realServers.findIndex((j) => t.realServers[j]!.id === a.rs);
      const checks = [service.realServers[r]!, ...(service.further?.get(r) ?? [])];
      const any = service.combine === 'any';
      let [bad, out] = [any ? checks.every(isDown) : checks.some(isDown), true];
      if (a.action === 'set_real_server') out = a.weight === 0;
      else {
        const row = t.nics.findIndex((n) => n.name === a.nic) * t.realServers.length;
        const fails = (j: number) => cells.path[row + j] === VERDICT.PATH;
        bad = any ? checks.some(fails) && checks.every((j) => fails(j) || isDown(j)) : checks.some(fails);
        out = a.action === 'disable_path';
      }
      if (bad !== out) return { property: 'combined', message: `${JSON.stringify(a)} of checks ${checks.join()}` };
    }
    return undefined;
  }

  #checkActions(d: Decisions, now: number): Broken | undefined {
    const { wanted, actions } = d;
    if (wanted.frozen !== '' && actions.length > 0)
      return { property: 'P3', message: `${actions.length} actions while ${wanted.frozen}` };
    const paid = new Map<string, number>();
    for (const a of actions) {
      const broken = this.#apply(a, now, paid, d);
      if (broken) return broken;
      if (!this.#nics.includes(1)) return { property: 'P4', message: 'no NIC is left between two actions' };
    }
    const off = this.#nics.filter((on) => on === 0).length;
    if (off > Math.floor(this.#t.rules['max_nics_fraction']! * this.#nics.length))
      return { property: 'P4', message: `${off} of ${this.#nics.length} NICs are disabled` };
    return this.#checkBudgets(now) ?? this.#checkMirror(d);
  }

  #apply(a: Action, now: number, paid: Map<string, number>, d: Decisions): Broken | undefined {
    const t = this.#t;
    if (!('service' in a)) {
      this.#nics[t.nics.findIndex((n) => n.name === a.nic)] = a.action === 'enable_nic' ? 1 : 0;
      return undefined;
    }
    const v = t.services.findIndex((s) => s.name === a.service);
    const service = t.services[v]!;
    const width = service.realServers.length;
    const r = service.realServers.findIndex((j) => t.realServers[j]!.id === a.rs);
    const before = this.#enabled(v);
    const paths = service.nics.filter((_, k) => this.#paths[v]![k * width + r] === 1).length;
    let [cost, agent, key] = [0, 0, ''];
    if (a.action === 'set_real_server') {
      if (a.weight === 0 && paths > 0) [cost, agent, key] = [1, 1, a.rs];
      this.#weights[v]![r] = a.weight;
    } else {
      const i = t.nics.findIndex((n) => n.name === a.nic);
      const on = a.action === 'enable_path' ? 1 : 0;
      if (on === 0 && this.#nics[i] === 1) [cost, agent, key] = [1 / service.nics.length, 1 / t.nics.length, `${a.nic}>${a.rs}`];
      this.#paths[v]![service.nics.indexOf(i) * width + r] = on;
    }
    if (paid.has(key)) agent = 0;
    if (cost > 0) this.#spent.push({ t: now, service: service.name, cost, agent });
    paid.set(key, 1);
    const least = width < 4 ? 1 : Math.ceil(service.panic * width - 1e-9);
    const after = this.#enabled(v);
    if (after < before && after < least)
      return {
        property: 'P5',
        message: `${service.name} has ${after} of ${width} real servers, fewer than ${least} (${d.actions.length} actions)`,
      };
    return undefined;
  }

  /** Real servers of service `v` that can get traffic. */
  #enabled(v: number): number {
    const { nics, realServers } = this.#t.services[v]!;
    const width = realServers.length;
    return realServers.filter((_, r) => this.#weights[v]![r]! > 0 && nics.some((__, k) => this.#paths[v]![k * width + r] === 1))
      .length;
  }

  #checkBudgets(now: number): Broken | undefined {
    const rule = (name: string, normal: number) => this.#t.rules[name] ?? normal;
    const recent = this.#spent.filter((x) => x.t > now - rule('budget_window_ms', 10_000));
    const agent = recent.reduce((sum, x) => sum + x.agent, 0);
    if (agent > rule('budget_real_servers', 500) + 1e-9)
      return { property: 'P5', message: `${agent} real servers disabled by this agent in the window` };
    for (const v of this.#t.services) {
      const cost = recent.reduce((sum, x) => sum + (x.service === v.name ? x.cost : 0), 0);
      const budget = Math.max(1, Math.floor(0.2 * v.realServers.length + 1e-9));
      if (cost > budget + 1e-9) return { property: 'P5', message: `${cost} of ${v.name} disabled, ${budget} allowed` };
    }
    return undefined;
  }

  /** The actions are exactly how the wanted state changed. */
  #checkMirror({ wanted }: Decisions): Broken | undefined {
    const same = (a: readonly number[], b: ArrayLike<number>) => a.every((x, k) => Math.abs(x - b[k]!) < 1e-6);
    const ok =
      same(this.#nics, wanted.nicEnabled) &&
      this.#weights.every((w, v) => same(w, wanted.weight[v]!)) &&
      this.#paths.every((p, v) => same(p, wanted.path[v]!));
    return ok ? undefined : { property: 'delta', message: 'actions and wanted state differ' };
  }
}
