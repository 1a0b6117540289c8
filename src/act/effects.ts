/** What the data plane should do, from what the judge wants. Pure: plan and decisions in, effects out. */
import { baseWeight, decidingTarget } from '../model/combined.ts';
import type { LvsService, Nic, Plan, Service, ServiceRealServer } from '../model/plan.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { type Counted, counting, hasQuorum } from './hooks.ts';
import { nameOf } from '../model/subject.ts';
import type { Subject as VerdictSubject, Verdict, Wanted } from '../model/verdict.ts';
import { CUT_OFF } from '../model/verdicts.ts';
import type { Effect } from './actuator.ts';
import { withUplinks } from './bgp/spec.ts';
import { identityOf } from './index.ts';

/** The effects a plan can have. */
export interface PlannedEffects {
  /**
   * Every effect wanted now, by key. NICs, the agent and slices are always listed; real servers and paths only while they differ
   * from their rest state (enabled, configured weight), because there may be a million of them.
   */
  wanted(wanted: Wanted, verdicts: readonly Verdict[], known?: Known): Map<string, Effect>;
  /** The rest state of an effect made earlier, perhaps by an older plan; undefined when this plan no longer acts on it. */
  rest(effect: Effect): Effect | undefined;
  /** What is announced when the agent ends: everything of services with omega is down. */
  farewell(): Effect[];
}

/** What the judge does not say. */
export interface Known {
  /** This load balancer is cut off. */
  readonly isolated?: boolean;
  /** An effect as it was wanted at the pass before; undefined: it was not. */
  readonly before?: Before;
}

type Before = (key: string) => Effect | undefined;

type Subject = Pick<Effect, 'kind' | 'spec'> & Partial<Pick<Effect, 'service' | 'vip' | 'nic' | 'realServer'>>;

/** Steps in which a weight may follow a slow start: a call per step, not per judge pass. */
const WEIGHT_STEPS = 20;

/** The actuator that makes entries of kernel LVS, and the file below `stateDir` that says which. */
export const ENTRIES = 'ipvsTable';
const LEDGER = 'ipvs-made.json';

/** The flag of scheduler sh that goes on to the next real server. */
const SH_FALLBACK = 'flag-1';
/** keepalived gives it no other one. */
const SORRY_WEIGHT = 1;

/** Of an effect that no verdict explains. */
export const NO_VERDICT = { verdict: 'OK', cause: 'none', reason: 'no fault' } as const;
const ENDING = { ...NO_VERDICT, reason: 'fourlane ends' } as const;
const QUORUM_LOST = { ...NO_VERDICT, reason: 'the quorum is lost' } as const;

/** Weight for a fraction of the configured one: 0 only for 0, else at least 1, in steps of 5 %. */
export function weightFor(configured: number, fraction: number): number {
  if (fraction <= 0 || configured === 0) return 0;
  const step = Math.max(1, Math.round(Math.min(fraction, 1) * WEIGHT_STEPS)) / WEIGHT_STEPS;
  return Math.max(1, Math.round(configured * step));
}

/** Prepares the effects of a plan. */
export function planEffects(plan: Plan): PlannedEffects {
  const acting = plan.services.flatMap((service, index) => (service.actuator.type === 'none' ? [] : [{ service, index }]));
  const makers = new Map(acting.map(({ service }) => [service.name, serviceEffects(plan, service)]));
  // Once a plan and not once a pass: 60 000 targets take tens of milliseconds of the judge's thread.
  const rackOf = new Map(plan.targets.map((t) => [t.id, t.rack]));
  const vips = new Set<string | undefined>(plan.services.map(({ vip }) => vip));

  return {
    wanted(wanted, verdicts, { isolated = false, before = () => undefined } = {}) {
      const because = explain(rackOf, verdicts);
      const count = counting(plan, verdicts);
      const effects = new Map<string, Effect>();
      const add = (e: Effect) => effects.set(e.key, e);
      plan.nics.forEach((nic, i) => {
        for (const spec of nic.onFail) {
          if (spec.type === 'none') continue;
          const subject = { kind: 'nic', spec: withUplinks(plan, nic.name, spec), nic: nic.name } as const;
          add(effect(plan, subject, wanted.nicEnabled[i] === 0 ? 'failed' : 'ok', because(nic.name)));
        }
      });
      for (const spec of plan.onIsolated ?? []) {
        if (spec.type === 'none') continue;
        const [state, why] = isolated ? (['failed', isolation(because())] as const) : (['ok', NO_VERDICT] as const);
        add(effect(plan, { kind: 'agent', spec }, state, why));
      }
      for (const { service, index } of acting) {
        const make = makers.get(service.name)!;
        for (const i of service.nics) {
          const nic = plan.nics[i]!;
          add(make.slice(nic, wanted.nicEnabled[i] !== 0, because(nic.name)));
        }
        const weights = wanted.weight[index];
        const paths = wanted.path[index];
        const unusual = new Map<string, number>();
        const counted = count(service) ?? weights;
        const has = make.has(before, { counted, dynamic: wanted.dynamic, frozen: wanted.frozen });
        if (make.entries !== undefined) add(make.entries.wanted(unusual, has));
        if (make.quorum !== undefined) add(make.quorum(has));
        service.realServers.forEach((member, r) => {
          const { target, weight: configured } = member;
          const { realServer } = plan.targets[target]!;
          const base = baseWeight(member, wanted.dynamic);
          const replaced = has ? undefined : make.replaced(r);
          const weight = replaced ?? weightFor(base, weights?.[r] ?? 1);
          if (weight !== configured) {
            unusual.set(realServer, weight);
            const why = explained(plan, because, { service, member });
            const reason = replaced === undefined ? byCheck(why, base, configured) : bySorry(why);
            add(make.realServer(realServer, weight, configured, reason));
          }
          const told = make.hooked(r);
          if (told !== undefined && (counted?.[r] ?? 1) <= 0) add(told(false, explained(plan, because, { service, member })));
          service.nics.forEach((i, k) => {
            if (paths?.[k * service.realServers.length + r] !== 0) return;
            const nic = plan.nics[i]!;
            add(make.path(nic, realServer, false, explained(plan, because, { service, member, nic: nic.name })));
          });
        });
      }
      return effects;
    },

    farewell() {
      return acting.flatMap(({ service }) => {
        if (service.notify?.omega !== true) return [];
        const { hooked, quorum } = makers.get(service.name)!;
        const servers = service.realServers.flatMap((_, r) => hooked(r)?.(false, ENDING) ?? []);
        return quorum === undefined ? servers : [...servers, quorum(false, ENDING)];
      });
    },

    rest(effect) {
      const { kind, key, spec, service: name, nic: nicName, realServer } = effect;
      // Whoever has the service now, it is not to be removed.
      if (spec.type === ENTRIES) return vips.has(effect.vip) ? undefined : removed(effect);
      const make = name === undefined ? undefined : makers.get(name);
      const nic = make?.nics.get(nicName ?? '');
      const weight = make?.weights.get(realServer ?? '');
      if (spec.type === 'notify') return kind === 'realServer' ? make?.told(realServer!, key) : undefined;
      let rest: Effect | undefined;
      if (kind === 'slice' && nic) rest = make?.slice(nic, true, NO_VERDICT);
      if (kind === 'realServer' && weight !== undefined) rest = make?.realServer(realServer!, weight, weight, NO_VERDICT);
      if (kind === 'path' && nic && weight !== undefined) rest = make?.path(nic, realServer!, true, NO_VERDICT);
      return rest?.key === key ? rest : undefined;
    },
  };
}

type Weights = Pick<Effect, 'weight' | 'configured' | 'made'>;
type Because = Pick<Effect, 'verdict' | 'cause' | 'reason'>;

function serviceEffects(plan: Plan, service: Service) {
  const base = { spec: service.actuator, service: service.name, vip: service.vip };
  const made = service.lvs === undefined ? {} : ({ made: true } as const);
  const state = (enabled: boolean) => (enabled ? 'enabled' : 'disabled');
  const { notify } = service;
  const addressOf = (position: number) => plan.targets[service.realServers[position]!.target]!.realServer;
  /** Effects of the scripts of a real server, by its position; undefined without scripts. */
  const hooked = (position: number) => {
    const hooks = notify?.realServers[position];
    if (hooks === undefined) return undefined;
    const subject = { ...base, spec: { type: 'notify', ...hooks }, kind: 'realServer', realServer: addressOf(position) } as const;
    return (enabled: boolean, because: Because) => effect(plan, subject, state(enabled), because);
  };
  const ofService = notify?.service;
  const { lvs } = service;
  const entries = lvs === undefined ? undefined : entriesOf(plan, service, lvs);
  /** The scripts of the service; undefined when it has none. */
  const quorum =
    ofService === undefined
      ? undefined
      : (has: boolean, because: Because = has ? NO_VERDICT : QUORUM_LOST) => {
          const subject = { ...base, spec: { type: 'notify', ...ofService }, kind: 'service' } as const;
          return effect(plan, subject, state(has), because);
        };
  const sorry = lvs?.sorry;
  /** Where it is kept whether the service had its quorum: that of the sorry server goes before. */
  const memory = sorry === undefined ? quorum?.(true).key : entries!.wanted(new Map(), true).key;
  const hadIn = ({ sorry: isLost, state: was }: Effect) => (sorry === undefined ? was === 'enabled' : isLost !== true);
  return {
    hooked,
    entries,
    quorum,
    /** Whether it has its quorum, so far as that is of any consequence. */
    has(before: Before, now: Pick<Counted, 'counted' | 'dynamic' | 'frozen'>): boolean {
      if (notify === undefined || memory === undefined) return true;
      const was = before(memory);
      const had = was === undefined ? undefined : hadIn(was);
      return hasQuorum({ notify, realServers: service.realServers, had, ...now });
    },
    /** The weight of a real server while the sorry server is in its place: 0 unless it is that itself. */
    replaced(position: number): number | undefined {
      if (sorry === undefined) return undefined;
      return entries!.names[position] === sorry.name ? SORRY_WEIGHT : 0;
    },
    /** The rest state of the scripts of a real server, when they are still the same. */
    told: (realServer: string, key: string) => {
      const position = service.realServers.findIndex((_, i) => addressOf(i) === realServer);
      const rest = position < 0 ? undefined : hooked(position)?.(true, NO_VERDICT);
      return rest?.key === key ? rest : undefined;
    },
    nics: new Map(service.nics.map((i) => [plan.nics[i]!.name, plan.nics[i]!])),
    weights: new Map(service.realServers.map((r) => [plan.targets[r.target]!.realServer, r.weight])),
    slice: (nic: Nic, enabled: boolean, because: Because) =>
      effect(plan, { ...base, kind: 'slice', nic: nic.name }, state(enabled), because),
    realServer: (realServer: string, weight: number, configured: number, because: Because) =>
      effect(plan, { ...base, kind: 'realServer', realServer }, state(weight > 0), because, { weight, configured, ...made }),
    path: (nic: Nic, realServer: string, enabled: boolean, because: Because) =>
      effect(plan, { ...base, kind: 'path', nic: nic.name, realServer }, state(enabled), because),
  };
}

/** The effect that a service has its entries in kernel LVS, with its sorry server where that is due; and their names there. */
function entriesOf(plan: Plan, service: Service, lvs: LvsService) {
  const { name, vip, actuator, realServers } = service;
  const spec = { type: ENTRIES, keepalived: actuator['keepalived'], ledger: ledgerOf(plan) };
  const servers = realServers.map(({ target, weight: configured }, r) => {
    const { realServer } = plan.targets[target]!;
    const { port } = lvs.servers[r]!;
    return { name: port === undefined ? realServer : withPort(realServer, port), realServer, configured };
  });
  const names = servers.map((server) => server.name);
  const always = effect(plan, { kind: 'service', spec, service: name, vip }, 'enabled', NO_VERDICT);
  // One that is a real server too has its entry already.
  const own = lvs.sorry !== undefined && !names.includes(lvs.sorry.name) ? lvs.sorry : undefined;
  const alone = servers.filter((server) => server.name === lvs.sorry?.name);
  const wanted = (weights: ReadonlyMap<string, number>, has: boolean): Effect => {
    const isLost = !has && lvs.sorry !== undefined;
    const sorry = own !== undefined && (isLost || own.inhibit) ? { ...own, weight: isLost ? SORRY_WEIGHT : 0 } : undefined;
    return {
      ...always,
      entries: { lvs, servers: isLost && hashes(lvs) ? alone : servers, weights, ...(sorry === undefined ? {} : { sorry }) },
      ...(isLost ? { ...QUORUM_LOST, sorry: true } : {}),
    };
  };
  return { names, wanted };
}

/** The file that says which entries of kernel LVS fourlane has made. */
export function ledgerOf({ stateDir }: Pick<Plan, 'stateDir'>): string {
  return `${stateDir}/${LEDGER}`;
}

/**
 * Whether weight 0 does not keep clients away: these schedulers go by the client alone, and who meets such a real server gets
 * nothing (ip_vs_sh.c, ip_vs_dh.c).
 */
const hashes = ({ scheduler, flags }: LvsService) => scheduler === 'dh' || (scheduler === 'sh' && !flags.includes(SH_FALLBACK));

const withPort = (realServer: string, port: number) => formatAddress({ ...parseAddress(realServer, true)!, port });

/** The service is nobody's any more. */
function removed(effect: Effect): Effect {
  return { ...effect, state: 'disabled', verdict: 'OK', cause: 'none', reason: 'no longer configured' };
}

/** One effect of a plan. */
export function effect(plan: Plan, subject: Subject, state: Effect['state'], because: Because, weights: Weights = {}): Effect {
  const { kind, spec, service, nic, realServer } = subject;
  return {
    key: JSON.stringify([kind, service, nic, realServer, spec.type, identityOf(spec)]),
    ...subject,
    cluster: plan.cluster,
    server: plan.server,
    state,
    ...weights,
    ...because,
  };
}

/** Finds the verdict that explains an effect: the path's, else the real server's or its rack's, else the NIC's. */
function explain(
  rackOf: ReadonlyMap<string, string | undefined>,
  verdicts: readonly Verdict[],
): (nic?: string, rs?: string) => Because {
  const bySubject = new Map(verdicts.map((v) => [nameOf(v), v]));
  return (nic, rs) => {
    const rack = rs === undefined ? undefined : rackOf.get(rs);
    const found =
      bySubject.get(nameOf(subjectOf(nic, rs))) ??
      bySubject.get(nameOf(subjectOf(undefined, rs))) ??
      (rack === undefined ? undefined : bySubject.get(nameOf({ subject: 'rack', rack })));
    return found ? { verdict: found.verdict, cause: found.cause, reason: found.reason } : NO_VERDICT;
  };
}

/** The reason of a failed `onIsolated`, also while it is held after the isolation. */
function isolation(because: Because): Because {
  if (because.verdict === CUT_OFF) return because;
  return { verdict: CUT_OFF, cause: 'none', reason: 'isolated until a short while ago; held until it lasts' };
}

/** The reason of a weight that nothing but a check has changed. */
function byCheck(because: Because, base: number, configured: number): Because {
  if (base === configured || because !== NO_VERDICT) return because;
  return { ...because, reason: `weight ${base} instead of ${configured}, as its check says` };
}

/** The reason of a weight that the sorry server takes: that of the real server itself, if it has one. */
function bySorry(because: Because): Because {
  return because === NO_VERDICT ? { ...NO_VERDICT, reason: 'the quorum is lost: the sorry server is in its place' } : because;
}

interface Explained {
  readonly service: Service;
  readonly member: ServiceRealServer;
  /** Of a path. */
  readonly nic?: string;
}

/** The verdict that explains an effect on a real server: that of the check that decides. */
function explained({ targets }: Plan, because: ReturnType<typeof explain>, { service, member, nic }: Explained): Because {
  const of = (target: number) => because(nic, targets[target]!.id);
  return of(decidingTarget(member, service.combine, (target) => (of(target) === NO_VERDICT ? 0 : 1)));
}

/** What a NIC, a real server or both stand for; neither: the agent. */
function subjectOf(nic: string | undefined, rs: string | undefined): VerdictSubject {
  if (nic === undefined) return rs === undefined ? { subject: 'agent' } : { subject: 'rs', rs };
  return rs === undefined ? { subject: 'nic', nic } : { subject: 'path', nic, rs };
}
