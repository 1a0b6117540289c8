/** What a reload changes. Pure. */
import type { Plan } from '../model/plan.ts';
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
  /** Checks of one real server each, counted: those of the new plan only, of the old one only, and of both. */
  readonly checks: { readonly added: number; readonly removed: number; readonly kept: number };
  /** Top-level keys that differ, `nics` and `services` aside. */
  readonly settings: readonly Setting[];
  /** Those of `settings` that a running agent can't take over. */
  readonly needsRestart: readonly Setting[];
  /** One line for people. */
  readonly summary: string;
}

type Setting = Exclude<keyof Plan, 'nics' | 'targets' | 'services' | 'revision' | 'evidenceLog'> | 'evidence';

/** Every setting of a plan and the part of the plan that it is. A key of the plan without an entry here does not compile. */
const SETTINGS = {
  cluster: (p) => p.cluster,
  server: (p) => p.server,
  listen: (p) => p.listen,
  stateDir: (p) => p.stateDir,
  rules: (p) => p.rules,
  collectors: (p) => p.collectors,
  evidence: (p) => p.evidenceLog ?? '',
  opentelemetry: (p) => p.opentelemetry ?? '',
  web: (p) => p.web,
} satisfies Readonly<Record<Setting, (p: Plan) => unknown>>;
const SETTING_NAMES = Object.keys(SETTINGS) as Setting[];
const RESTART: ReadonlySet<Setting> = new Set(['cluster', 'server', 'listen', 'stateDir']);

/** The difference between the running plan `a` and the new plan `b`. */
export function diffPlans(a: Plan, b: Plan): PlanDiff {
  const oldKeys = new Set(a.targets.map((t) => t.key));
  const kept = b.targets.filter((t) => oldKeys.has(t.key)).length;
  const checks = { added: b.targets.length - kept, removed: a.targets.length - kept, kept };
  const nics = diffNames(nicTexts(a), nicTexts(b));
  const services = diffNames(serviceTexts(a), serviceTexts(b));
  const settings = SETTING_NAMES.filter((name) => canonical(SETTINGS[name](a)) !== canonical(SETTINGS[name](b)));
  const parts = { nics, services, checks, settings, needsRestart: settings.filter((name) => RESTART.has(name)) };
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
  const { added, removed, kept } = d.checks;
  if (added + removed > 0) {
    parts.push(`checks: ${added} added, ${removed} removed, ${kept} kept`);
  }
  const live = d.settings.filter((name) => !RESTART.has(name));
  if (live.length > 0) parts.push(`${live.join(', ')} changed`);
  if (d.needsRestart.length > 0) parts.push(`${d.needsRestart.join(', ')} changed: takes effect after a restart`);
  return parts.length === 0 ? 'only the order changed' : parts.join('; ');
}
