/** Present verdicts looked up by subject, and how bad each is. */
import { decidingTarget } from '../model/combined.ts';
import type { Plan, Service, ServiceRealServer } from '../model/plan.ts';
import type { Subject, Verdict, Wanted } from '../model/verdict.ts';
import { type Level, VERDICT_TABLE, type VerdictName } from '../model/verdicts.ts';

/** How bad a verdict is. */
export function levelOf(verdict: VerdictName): Level {
  return VERDICT_TABLE[verdict].level;
}

/** A copy, most severe first and oldest first within. */
export function bySeverity(verdicts: readonly Verdict[]): readonly Verdict[] {
  const severity = (verdict: Verdict) => VERDICT_TABLE[verdict.verdict].severity;
  return verdicts.toSorted((a, b) => severity(a) - severity(b) || a.since - b.since);
}

/** The first command to type about a verdict. */
export function commandFor(subject: Subject): string {
  if (subject.subject === 'nic') return `fourlane why nic ${subject.nic}`;
  return subject.rs === undefined ? 'fourlane status' : `fourlane why rs ${subject.rs}`;
}

export interface VerdictIndex {
  readonly nic: ReadonlyMap<string, Verdict>;
  /** By target id. */
  readonly rs: ReadonlyMap<string, Verdict>;
  readonly rack: ReadonlyMap<string, Verdict>;
  readonly paths: readonly Verdict[];
  readonly agent: Verdict | undefined;
}

export function indexVerdicts(verdicts: readonly Verdict[]): VerdictIndex {
  const pick = (kind: Verdict['subject']) => verdicts.filter((verdict) => verdict.subject === kind);
  const map = (kind: 'nic' | 'rs' | 'rack') => new Map(pick(kind).map((v) => [v[kind]!, v]));
  return { nic: map('nic'), rs: map('rs'), rack: map('rack'), paths: pick('path'), agent: pick('agent')[0] };
}

/** The present verdict of a real server of a service: that of its only check, or of the one that decides. */
export function memberVerdict(
  { targets }: Plan,
  { rs }: VerdictIndex,
  server: ServiceRealServer,
  combine: Service['combine'],
): Verdict | undefined {
  const of = (target: number) => rs.get(targets[target]!.id);
  // Severity counts from the worst.
  const badness = (target: number) => {
    const verdict = of(target);
    return verdict === undefined ? 0 : 1 / (1 + VERDICT_TABLE[verdict.verdict].severity);
  };
  return of(decidingTarget(server, combine, badness));
}

/** Whether traffic of service `s` may leave through its k-th NIC: the slice is enabled and some path in it is. */
export function sliceEnabled(plan: Plan, wanted: Wanted, s: number, k: number): boolean {
  const service = plan.services[s]!;
  const width = service.realServers.length;
  const path = wanted.path[s];
  if (wanted.nicEnabled[service.nics[k]!] !== 1 || path === undefined) return false;
  for (let r = 0; r < width; r++) if (path[k * width + r] === 1) return true;
  return false;
}

/**
 * Whether a verdict takes its subject out of service: a NIC that is FLAPPING is kept out, a real server only gets less weight.
 */
export function isOut(v: Verdict | undefined): boolean {
  return v !== undefined && VERDICT_TABLE[v.verdict].of[v.subject]?.takesOut === true;
}
