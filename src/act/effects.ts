/** What the data plane should do, from what the judge wants. Pure: plan and decisions in, effects out. */
import { baseWeight, decidingTarget } from '../model/combined.ts';
import type { LvsService, Nic, Plan, Service, ServiceRealServer } from '../model/plan.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { counting, hasQuorum } from './hooks.ts';
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
}

/** What the judge does not say. */
export interface Known {
  /** This load balancer is cut off. */
  readonly isolated?: boolean;
  /** The state that an effect was wanted in at the pass before; undefined: it was not. */
  readonly before?: (key: string) => Effect['state'] | undefined;
}

type Subject = Pick<Effect, 'kind' | 'spec'> & Partial<Pick<Effect, 'service' | 'vip' | 'nic' | 'realServer'>>;

/** Steps in which a weight may follow a slow start: a call per step, not per judge pass. */
const WEIGHT_STEPS = 20;

/** The actuator that makes entries of kernel LVS, and the file below `stateDir` that says which. */
export const ENTRIES = 'ipvsTable';
const LEDGER = 'ipvs-made.json';

/** Of an effect that no verdict explains. */
export const NO_VERDICT = { verdict: 'OK', cause: 'none', reason: 'no fault' } as const;

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
        if (make.entries !== undefined) add(make.entries(unusual));
        const counted = count(service) ?? weights;
        if (make.quorum !== undefined) {
          const { key } = make.quorum(true);
          const had = before(key);
          const { notify, realServers } = service;
          const all = { notify: notify!, realServers, weights: counted, dynamic: wanted.dynamic };
          add(make.quorum(hasQuorum({ ...all, had: had === undefined ? undefined : had === 'enabled' })));
        }
        service.realServers.forEach((member, r) => {
          const { target, weight: configured } = member;
          const { realServer } = plan.targets[target]!;
          const base = baseWeight(member, wanted.dynamic);
          const weight = weightFor(base, weights?.[r] ?? 1);
          if (weight !== configured) {
            unusual.set(realServer, weight);
            add(
              make.realServer(
                realServer,
                weight,
                configured,
                byCheck(explained(plan, because, { service, member }), base, configured),
              ),
            );
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
  return {
    hooked,
    entries: lvs === undefined ? undefined : entriesOf(plan, service, lvs),
    /** The rest state of the scripts of a real server, when they are still the same. */
    told: (realServer: string, key: string) => {
      const position = service.realServers.findIndex((_, i) => addressOf(i) === realServer);
      const rest = position < 0 ? undefined : hooked(position)?.(true, NO_VERDICT);
      return rest?.key === key ? rest : undefined;
    },
    /** The scripts of the service; undefined when it has none. */
    quorum:
      ofService === undefined
        ? undefined
        : (has: boolean) => {
            const subject = { ...base, spec: { type: 'notify', ...ofService }, kind: 'service' } as const;
            return effect(plan, subject, state(has), has ? NO_VERDICT : { ...NO_VERDICT, reason: 'the quorum is lost' });
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

/** The effect that a service has its entries in kernel LVS. */
function entriesOf(plan: Plan, { name, vip, actuator, realServers }: Service, lvs: LvsService) {
  const spec = { type: ENTRIES, keepalived: actuator['keepalived'], ledger: ledgerOf(plan) };
  const servers = realServers.map(({ target, weight: configured }, r) => {
    const { realServer } = plan.targets[target]!;
    const { port } = lvs.servers[r]!;
    return { name: port === undefined ? realServer : withPort(realServer, port), realServer, configured };
  });
  const always = effect(plan, { kind: 'service', spec, service: name, vip }, 'enabled', NO_VERDICT);
  return (weights: ReadonlyMap<string, number>): Effect => ({ ...always, entries: { lvs, servers, weights } });
}

/** The file that says which entries of kernel LVS fourlane has made. */
export function ledgerOf({ stateDir }: Pick<Plan, 'stateDir'>): string {
  return `${stateDir}/${LEDGER}`;
}

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
