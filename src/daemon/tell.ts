/** What the log says of verdicts and actions: one line each, for people and for grep. */
import type { ActionReport } from '../act/report.ts';
import type { Plan } from '../model/plan.ts';
import { nameOf } from '../model/subject.ts';
import type { Decisions } from '../model/verdict.ts';
import { isFault } from '../model/verdicts.ts';
import type { Tracer } from '../otel/tracer.ts';
import type { Logger } from '../sys/log.ts';
import type { VerdictSpans } from './spans.ts';

/** Logs a pass's transitions, each inside its span, and what the governor held back. */
export function tell(log: Logger, decisions: Decisions, spans: VerdictSpans): void {
  for (const t of decisions.transitions) {
    const level = isFault(t.verdict) ? 'warn' : 'info';
    const fields = {
      verdict: t.verdict,
      cause: t.cause,
      previous: t.previous,
      rule: t.evidence.rule,
      witnesses: t.evidence.witnesses,
    };
    spans.verdict(t, () =>
      log[level]({ ...fields, actions: t.actions.length, blocked: t.blocked.length }, `${nameOf(t)}: ${t.reason}`),
    );
  }
  for (const { action, rule } of decisions.blocked) log.warn({ rule, action }, 'action held back by the governor');
}

/** Logs the end of one call of an actuator. */
export function tellAction(log: Logger, { effect, result, durationMs, failures, error, known, drift }: ActionReport): void {
  const fields = { actuator: effect.spec.type, state: effect.state, weight: effect.weight, result, ms: Math.round(durationMs) };
  const subject = [effect.kind, effect.service, effect.nic, effect.realServer].filter(Boolean).join(' ');
  if (result === 'failed') log.error({ ...fields, failures, error }, `${subject}: failed, will be tried again`);
  else if (known && (result === 'unsupported' || result === 'unchanged')) return;
  else if (result === 'unsupported') log.error({ ...fields, error }, `${subject}: cannot be done, is not tried again`);
  else if (result === 'ok' && drift) log.warn(fields, `${subject}: somebody else had changed it; done again`);
  else if (error !== '' && !known) log.warn(fields, `${subject}: ${error}`);
  else log.info(fields, `${subject}: done`);
}

/** Most lines of one configuration. */
const MOST_LEFT = 100;

/** Logs what of an import was left out, or is done otherwise, unless it is as it was `before`. */
export function tellImports(log: Logger, { imports }: Plan, before?: Plan): void {
  if (imports === undefined || imports.left.join('\n') === before?.imports?.left.join('\n')) return;
  const { file, mode, services, left } = imports;
  log.info({ file, mode, services, left: left.length }, `imported ${services} services from ${file}`);
  for (const line of left.slice(0, MOST_LEFT)) log.warn({}, `import: ${line}`);
  if (left.length > MOST_LEFT) log.warn({}, `import: and ${left.length - MOST_LEFT} more; fourlane check-config lists them`);
}

/** Logs that the agent runs: the end of the first application of a configuration. */
export function tellReady(
  log: Logger,
  { tracer, startedAt }: { readonly tracer: Tracer; readonly startedAt: number },
  { revision, nics, targets }: Plan,
  { host, port }: { readonly host: string; readonly port: number },
): void {
  const attributes = { 'fourlane.revision': revision, 'fourlane.summary': 'started' };
  tracer.span('config apply', { startedAt, attributes }, () =>
    log.info({ listen: `http://${host}:${port}/`, nics: nics.length, targets: targets.length }, 'ready: every lane runs'),
  );
}
