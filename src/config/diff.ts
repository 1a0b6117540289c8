/** What a reload changes. Pure. */
import type { Plan, Target } from '../model/plan.ts';
import { canonical } from './plan.ts';

export interface NameDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface PlanDiff {
  /** Nothing differs. */
  readonly same: boolean;
  /** By name. `changed`: anything about it, its actions included. */
  readonly nics: NameDiff;
  /** By name. */
  readonly services: NameDiff;
  readonly targets: {
    readonly added: readonly Target[];
    readonly removed: readonly Target[];
    readonly kept: number;
    /** For each target of the new plan its index in the old one, or -1: what may keep its streaks. */
    readonly oldIndex: Int32Array;
  };
  /** Names of NICs and services whose actions differ. */
  readonly actuators: readonly string[];
  /** Top-level keys that differ, `nics` and `services` aside. */
  readonly settings: readonly string[];
  /** Those of `settings` that a running agent can't take over. */
  readonly needsRestart: readonly string[];
  /** One line for people. */
  readonly summary: string;
}

const SETTINGS = {
  cluster: (p: Plan) => p.cluster,
  server: (p: Plan) => p.server,
  listen: (p: Plan) => p.listen,
  stateDir: (p: Plan) => p.stateDir,
  rules: (p: Plan) => p.rules,
  collectors: (p: Plan) => p.collectors,
  evidence: (p: Plan) => p.evidenceLog ?? '',
  opentelemetry: (p: Plan) => p.opentelemetry ?? '',
  web: (p: Plan) => p.web,
};
const RESTART: ReadonlySet<string> = new Set(['cluster', 'server', 'listen', 'stateDir']);

/** The difference between the running plan `a` and the new plan `b`. */
export function diffPlans(a: Plan, b: Plan): PlanDiff {
  const oldKeys = new Map(a.targets.map((t, i) => [t.key, i]));
  const newKeys = new Set(b.targets.map((t) => t.key));
  const oldIndex = Int32Array.from(b.targets, (t) => oldKeys.get(t.key) ?? -1);
  const added = b.targets.filter((_, i) => oldIndex[i] === -1);
  const removed = a.targets.filter((t) => !newKeys.has(t.key));

  const nics = diffNames(nicTexts(a), nicTexts(b));
  const services = diffNames(serviceTexts(a), serviceTexts(b));
  const actions = diffNames(actionTexts(a), actionTexts(b));
  const settings = Object.entries(SETTINGS).flatMap(([name, of]) => (canonical(of(a)) === canonical(of(b)) ? [] : [name]));
  const parts = {
    nics,
    services,
    targets: { added, removed, kept: b.targets.length - added.length, oldIndex },
    actuators: [...actions.added, ...actions.removed, ...actions.changed],
    settings,
    needsRestart: settings.filter((name) => RESTART.has(name)),
  };
  const same = a.revision === b.revision;
  return { same, ...parts, summary: same ? 'nothing changed' : summarise(parts) };
}

type Texts = ReadonlyMap<string, string>;

function nicTexts(plan: Plan): Texts {
  return new Map(plan.nics.map((nic) => [nic.name, canonical(nic)]));
}

/** Services as text that does not depend on positions in the plan. */
function serviceTexts({ services, nics, targets }: Plan): Texts {
  return new Map(
    services.map((service) => {
      const own = { ...service, nics: service.nics.map((i) => nics[i]!.name), realServers: 0 };
      const servers = service.realServers.map(({ target, weight }) => {
        const { key, rack = '' } = targets[target]!;
        return `${key} ${weight} ${rack}`;
      });
      return [service.name, `${canonical(own)}\n${servers.join('\n')}`];
    }),
  );
}

function actionTexts({ nics, services }: Plan): Texts {
  return new Map([
    ...nics.map((nic) => [`NIC ${nic.name}`, canonical(nic.onFail)] as const),
    ...services.map((service) => [`service ${service.name}`, canonical(service.actuator)] as const),
  ]);
}

function diffNames(a: Texts, b: Texts): NameDiff {
  return {
    added: [...b.keys()].filter((name) => !a.has(name)),
    removed: [...a.keys()].filter((name) => !b.has(name)),
    changed: [...b].filter(([name, text]) => a.has(name) && a.get(name) !== text).map(([name]) => name),
  };
}

function summarise(d: Omit<PlanDiff, 'same' | 'summary'>): string {
  const names = (what: string, diff: NameDiff) =>
    (['added', 'removed', 'changed'] as const).flatMap((how) => {
      const found = diff[how];
      if (found.length === 0) return [];
      return found.length > 5 ? [`${found.length} ${what}s ${how}`] : [`${what} ${found.join(', ')} ${how}`];
    });
  const parts = [...names('NIC', d.nics), ...names('service', d.services)];
  const { added, removed, kept } = d.targets;
  if (added.length + removed.length > 0) {
    parts.push(`checks: ${added.length} added, ${removed.length} removed, ${kept} kept`);
  }
  const live = d.settings.filter((name) => !RESTART.has(name));
  if (live.length > 0) parts.push(`${live.join(', ')} changed`);
  if (d.needsRestart.length > 0) parts.push(`${d.needsRestart.join(', ')} changed: takes effect after a restart`);
  return parts.length === 0 ? 'only the order changed' : parts.join('; ');
}
