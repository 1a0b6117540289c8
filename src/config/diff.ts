/** What a reload changes. Pure. */
import { locate } from '../model/locate.ts';
import type { Plan, Service } from '../model/plan.ts';
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
  | Exclude<keyof Plan, 'nics' | 'targets' | 'services' | 'revision' | 'fingerprint' | 'evidenceLog' | 'imports' | 'releases'>
  | 'evidence';

/** Every setting of a plan and the part of the plan that it is. A key of the plan without an entry here does not compile. */
const SETTINGS = {
  cluster: (plan) => plan.cluster,
  etcd: (plan) => [plan.etcd ?? '', plan.releases ?? ''],
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
  const where = locate(
    old.targets.map((t) => t.key),
    next.targets.map((t) => t.key),
  );
  const kept = where.filter((index) => index >= 0).length;
  const checks = { added: next.targets.length - kept, removed: old.targets.length - kept, kept };
  const nics = diffNames(old.nics, next.nics, (a, b) => canonical(a) === canonical(b));
  const services = diffNames(old.services, next.services, (a, b) => isSameService(old, a, next, b));
  const settings = SETTING_NAMES.filter((name) => canonical(SETTINGS[name](old)) !== canonical(SETTINGS[name](next)));
  const parts = { nics, services, checks, settings, needsRestart: settings.filter((name) => RESTART.has(name)) };
  const same = old.fingerprint === next.fingerprint;
  return { same, ...parts, summary: same ? 'nothing changed' : summarise(parts) };
}

/** Whether two plans mean the same by a service, wherever its NICs and targets stand in them. */
function isSameService(old: Plan, before: Service, next: Plan, after: Service): boolean {
  const members = before.realServers;
  if (members.length !== after.realServers.length) return false;
  const own = (service: Service, { nics }: Plan) =>
    canonical({ ...service, nics: service.nics.map((nic) => nics[nic]!.name), realServers: 0 });
  if (own(before, old) !== own(after, next)) return false;
  return members.every((member, position) => {
    const other = after.realServers[position]!;
    const [a, b] = [old.targets[member.target]!, next.targets[other.target]!];
    if (a.key !== b.key || a.rack !== b.rack || member.weight !== other.weight) return false;
    if (member.further === undefined || other.further === undefined) return member.further === other.further;
    const keysOf = (plan: Plan, further: readonly number[]) => further.map((target) => plan.targets[target]!.key).join(' ');
    return keysOf(old, member.further) === keysOf(next, other.further);
  });
}

interface Named {
  readonly name: string;
}

function diffNames<T extends Named>(old: readonly T[], next: readonly T[], isSame: (before: T, after: T) => boolean): NameDiff {
  const before = new Map(old.map((each) => [each.name, each]));
  const after = new Map(next.map((each) => [each.name, each]));
  const changed = (name: string) => before.has(name) && after.has(name) && !isSame(before.get(name)!, after.get(name)!);
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: [...after.keys()].filter(changed),
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
