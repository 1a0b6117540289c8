/** What a reload changes. Pure. */
import type { Plan } from '../model/plan.ts';
import { canonical } from '../model/canonical.ts';

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

type Setting =
  | Exclude<keyof Plan, 'nics' | 'targets' | 'services' | 'revision' | 'fingerprint' | 'evidenceLog' | 'imports'>
  | 'evidence';

/** Every setting of a plan and the part of the plan that it is. A key of the plan without an entry here does not compile. */
const SETTINGS = {
  cluster: (plan) => plan.cluster,
  etcd: (plan) => plan.etcd ?? '',
  server: (plan) => plan.server,
  listen: (plan) => plan.listen,
  control: (plan) => plan.control ?? '',
  stateDir: (plan) => plan.stateDir,
  onIsolated: (plan) => plan.onIsolated ?? [],
  rules: (plan) => plan.rules,
  collectors: (plan) => plan.collectors,
  snat: (plan) => plan.snat ?? '',
  bgp: (plan) => plan.bgp ?? '',
  evidence: (plan) => plan.evidenceLog ?? '',
  opentelemetry: (plan) => plan.opentelemetry ?? '',
  report: (plan) => plan.report ?? '',
  web: (plan) => plan.web,
} satisfies Readonly<Record<Setting, (plan: Plan) => unknown>>;
const SETTING_NAMES = Object.keys(SETTINGS) as Setting[];
const RESTART: ReadonlySet<Setting> = new Set(['cluster', 'server', 'listen', 'control', 'stateDir']);

/** The difference between the running plan `a` and the new plan `b`. */
export function diffPlans(old: Plan, next: Plan): PlanDiff {
  const [before, after] = [contentOf(old), contentOf(next)];
  const kept = next.targets.filter((t) => before.keys.has(t.key)).length;
  const checks = { added: next.targets.length - kept, removed: old.targets.length - kept, kept };
  const nics = diffNames(before.nics, after.nics);
  const services = diffNames(before.services, after.services);
  const settings = SETTING_NAMES.filter((name) => canonical(SETTINGS[name](old)) !== canonical(SETTINGS[name](next)));
  const parts = { nics, services, checks, settings, needsRestart: settings.filter((name) => RESTART.has(name)) };
  const same = old.fingerprint === next.fingerprint;
  return { same, ...parts, summary: same ? 'nothing changed' : summarise(parts) };
}

type Texts = ReadonlyMap<string, string>;

interface Content {
  readonly keys: ReadonlySet<string>;
  readonly nics: Texts;
  readonly services: Texts;
}

/** The new plan of one comparison is the old one of the next. */
const known = new WeakMap<Plan, Content>();

function contentOf(plan: Plan): Content {
  const found = known.get(plan);
  if (found !== undefined) return found;
  const made = { keys: new Set(plan.targets.map((t) => t.key)), nics: nicTexts(plan), services: serviceTexts(plan) };
  known.set(plan, made);
  return made;
}

function nicTexts(plan: Plan): Texts {
  return new Map(plan.nics.map((nic) => [nic.name, canonical(nic)]));
}

/** Services as text that does not depend on positions in the plan. */
function serviceTexts({ services, nics, targets }: Plan): Texts {
  return new Map(
    services.map((service) => {
      const own = { ...service, nics: service.nics.map((nic) => nics[nic]!.name), realServers: 0 };
      const servers = service.realServers.map((server) => {
        const { key, rack = '' } = targets[server.target]!;
        const further = server.further?.map((target) => targets[target]!.key).join(' ') ?? '';
        return `${key} ${further} ${server.weight} ${rack}`;
      });
      return [service.name, `${canonical(own)}\n${servers.join('\n')}`];
    }),
  );
}

function diffNames(old: Texts, next: Texts): NameDiff {
  return {
    added: [...next.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !next.has(name)),
    changed: [...next].filter(([name, text]) => old.has(name) && old.get(name) !== text).map(([name]) => name),
  };
}

function summarise(omit: Omit<PlanDiff, 'same' | 'summary'>): string {
  const names = (what: string, diff: NameDiff) =>
    (['added', 'removed', 'changed'] as const).flatMap((how) => {
      const found = diff[how];
      if (found.length === 0) return [];
      return found.length > 5 ? [`${found.length} ${what}s ${how}`] : [`${what} ${found.join(', ')} ${how}`];
    });
  const parts = [...names('NIC', omit.nics), ...names('service', omit.services)];
  const { added, removed, kept } = omit.checks;
  if (added + removed > 0) {
    parts.push(`checks: ${added} added, ${removed} removed, ${kept} kept`);
  }
  const live = omit.settings.filter((name) => !RESTART.has(name));
  if (live.length > 0) parts.push(`${live.join(', ')} changed`);
  if (omit.needsRestart.length > 0) parts.push(`${omit.needsRestart.join(', ')} changed: takes effect after a restart`);
  return parts.length === 0 ? 'only the order changed' : parts.join('; ');
}
