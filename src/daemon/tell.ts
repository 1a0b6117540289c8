/** What the log says of verdicts and actions: one line each, for people and for grep. */
import type { ActionReport } from '../act/reconciler.ts';
import type { Decisions, Subject } from '../model/verdict.ts';
import type { Logger } from '../sys/log.ts';

/** `nic eth2`, `rs 10.1.0.1:80`, `path eth2 → 10.1.0.1:80`, `rack r7`, `agent`. */
export function nameOf(s: Subject): string {
  if (s.subject === 'path') return `path ${s.nic} → ${s.rs}`;
  return [s.subject, s.nic ?? s.rs ?? s.rack].filter(Boolean).join(' ');
}

/** Logs a pass's transitions, and what the governor held back. */
export function tell(log: Logger, decisions: Decisions): void {
  for (const t of decisions.transitions) {
    const level = t.verdict === 'OK' || t.verdict === 'SUSPECT' ? 'info' : 'warn';
    const fields = {
      verdict: t.verdict,
      cause: t.cause,
      previous: t.previous,
      rule: t.evidence.rule,
      witnesses: t.evidence.witnesses,
    };
    log[level]({ ...fields, actions: t.actions.length, blocked: t.blocked.length }, `${nameOf(t)}: ${t.reason}`);
  }
  for (const { action, rule } of decisions.blocked) log.warn({ rule, action }, 'action held back by the governor');
}

/** Logs the end of one call of an actuator. */
export function tellAction(log: Logger, { effect, result, durationMs, failures, error }: ActionReport): void {
  const fields = { actuator: effect.spec.type, state: effect.state, weight: effect.weight, result, ms: Math.round(durationMs) };
  const subject = [effect.service, effect.nic, effect.realServer].filter(Boolean).join(' ');
  if (error === '') log.info(fields, `${effect.kind} ${subject}: done`);
  else log.error({ ...fields, failures, error }, `${effect.kind} ${subject}: failed, will be tried again`);
}
