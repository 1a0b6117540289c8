/** The demo's words: traffic summaries and the before/during/after table. Pure: values in, text out. */
import type { Row } from './evaluate.ts';
import type { Sent } from './pager.ts';
import type { Phases, Requests, Tally } from './tally.ts';

/** `web1 100 ok · web2 98 ok 2 FAILED · …` */
export function traffic(tally: Requests): string {
  return Object.entries(tally)
    .map(([service, t]) => `${service} ${t.ok} ok${t.failed > 0 ? ` ${t.failed} FAILED` : ''}`)
    .join(' · ');
}

/** Requests of every service before, during and after a fault, as an aligned table. */
export function phases({ before, during, after }: Phases, hurts: readonly string[]): string {
  const cell = (t: Tally | undefined) => (t === undefined ? '' : `${t.ok} ok, ${t.failed} failed`);
  const rows = Object.keys(during).map((sent) => [
    sent,
    cell(before[sent]),
    cell(during[sent]),
    cell(after[sent]),
    hurts.includes(sent) ? 'touched by the fault' : 'must not notice',
  ]);
  return columns([['service', 'before', 'during', 'after', ''], ...rows]);
}

/** What went wrong while nothing was broken, as lines: `PROBLEM   before the fault: all 1 of 60 failed (timeout 1)`. */
export function unpeaceful({ before, after }: Phases): string[] {
  const lines = (when: string, requests: Requests) =>
    Object.entries(requests).flatMap(([service, t]) => {
      const errors = Object.entries(t.errors).map(([error, times]) => `${error} ${times}`);
      if (t.failed > 0) return `PROBLEM   ${when}: ${service} ${t.failed} of ${t.sent} failed (${errors.join(', ')})`;
      return t.ok === 0 ? `PROBLEM   ${when}: ${service} was not answered once` : [];
    });
  return [...lines('before the fault', before), ...lines('after its repair', after)];
}

/** Text columns as wide as they need to be. */
export function columns(rows: readonly (readonly string[])[]): string {
  const width = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, k) => cell.padEnd(width[k]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const ms = (ms: number | undefined) => (ms === undefined ? '' : ` after ${ms} ms`);

/** What the agent said and did about a fault, and what was wrong with that. */
export function account(row: Row): string {
  const cause = row.causes.filter((cell) => cell !== 'none').join(', ');
  return [
    `verdict   ${row.verdicts.join(', ') || 'none'}${cause === '' ? '' : ` (${cause})`}${ms(row.verdictMs)}`,
    `actions   ${row.actions.join(', ') || 'none'}${ms(row.actionMs)}`,
    `wrong     ${row.wrongActions.length} actions; ${row.othersFailed} failed requests on slices that the fault does not touch`,
    ...(row.recoveryMs === undefined ? [] : [`recovery  everything enabled again ${row.recoveryMs} ms after the repair`]),
    ...(row.routes ?? []).map((route) => `routes    ${route}`),
    ...row.problems.map((problem) => `PROBLEM   ${problem}`),
  ].join('\n');
}

/** What the pager got, as lines: what, and the first command. Heartbeats are left out. */
export function pageLines(sent: readonly Sent[]): string[] {
  return sent
    .filter((sent) => sent.to !== 'heartbeat')
    .flatMap((sent) =>
      sent.alerts
        .filter((alert) => alert.status === sent.status)
        .map(({ status, labels, annotations }) =>
          status === 'resolved'
            ? `${sent.to.toUpperCase()} RESOLVED ${labels['alertname']}`
            : `${sent.to.toUpperCase()} ${labels['alertname']}: ${annotations['description']}\n     first: ` +
              `${annotations['command']}`,
        ),
    );
}
