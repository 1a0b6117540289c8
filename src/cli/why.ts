/** `fourlane why`: the evidence behind the present verdict on a NIC or a real server. */
import { formatDuration, formatRtt } from '../report/format.ts';
import { type CellReport, lastProbe, type TransitionReport, type VerdictReport } from '../report/report.ts';
import { subjectText } from '../model/subject.ts';
import type { WhyReport } from '../report/why.ts';
import { API_HELP, askAgent, withAgent } from './agent-api.ts';
import { indent, json as jsonOf, type Output, table, terminal } from './output.ts';

const HELP = `Usage: fourlane why nic NAME [--json] [--url URL]
       fourlane why rs HOST:PORT [--json] [--url URL]

Shows the rule, the witnesses and the probe results behind the present verdict.
Exit status: 0 answered, 1 no such NIC or real server, 3 no agent.

${API_HELP}

Example: fourlane why nic eth2
         fourlane why rs 10.1.0.1:8080`;

/** Runs the command; resolves with its exit status. */
export function why(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withAgent(argv, io, HELP, async ({ json, url, words }) => {
    const [kind, name] = words;
    if ((kind !== 'nic' && kind !== 'rs') || name === undefined || words.length > 2)
      return 'ask `why nic NAME` or `why rs HOST:PORT`';
    const report = await askAgent<WhyReport>(url, `/api/v1/why?${kind}=${encodeURIComponent(name)}`);
    io.out(json ? jsonOf(report) : `${renderWhy(report)}\n`);
    return 0;
  });
}

/** The report as text for a terminal. */
export function renderWhy(report: WhyReport): string {
  const more = report.cellCount - report.cells.length;
  const some = more > 0 ? ` (the worst ${report.cells.length} of ${report.cellCount})` : '';
  const found = report.findings.map(renderFinding);
  const findings = found.length === 0 ? [] : [`Findings, which never act:\n${indent(found.join('\n'))}`];
  const parts = [...report.verdicts.map(renderVerdict), ...findings, `Checks now${some}:\n${indent(cellTable(report.cells))}`];
  if (report.transitions.length > 0)
    parts.push(`Recent changes, newest first:\n${indent(report.transitions.map(renderTransition).join('\n'))}`);
  return parts.join('\n\n');
}

function renderFinding({ finding, service, found, since }: WhyReport['findings'][number]): string {
  return `${finding} in service ${service} since ${since}\n${indent(found)}`;
}

function renderVerdict(verdict: VerdictReport): string {
  const { rule, witnesses, failing, anchors, cells, numbers } = verdict.evidence;
  const lines = [verdict.reason, `since ${verdict.since}, for ${formatDuration(verdict.forSeconds)}`];
  if (rule !== '')
    lines.push(
      `rule ${rule}${witnesses > 0 ? `: ${failing} of ${witnesses} witnesses fail` : failing > 0 ? `: ${failing} failing` : ''}`,
    );
  const compared = Object.entries(numbers).map(([name, value]) => `${name} = ${Math.round(value * 1000) / 1000}`);
  if (compared.length > 0) lines.push(`numbers compared: ${compared.join(', ')}`);
  if (anchors.length > 0) lines.push(`anchors: ${anchors.map((anchor) => `${anchor.id} ${anchor.outcome}`).join(', ')}`);
  if (cells.length > 0) {
    const rows = cells.map((cell) => [
      cell.nic,
      cell.rs,
      cell.outcome,
      cell.phase,
      detail(cell),
      `${cell.consecutiveBad} bad in a row`,
      `${(cell.elapsedUs / 1000).toFixed(1)} ms`,
    ]);
    lines.push('probes it rests on:', indent(table(rows)));
  }
  const cause = verdict.cause === 'none' ? '' : ` (${verdict.cause})`;
  return `${subjectText(verdict)}: ${verdict.verdict}${cause}\n${indent(lines.join('\n'))}`;
}

function detail(cell: VerdictReport['evidence']['cells'][number]): string {
  if (cell.cause === 'none') return '-';
  return cell.detail === 0 ? cell.cause : `${cell.cause} ${cell.detail}`;
}

function cellTable(cells: readonly CellReport[]): string {
  return table([
    ['NIC', 'REAL SERVER', 'LINK', 'SERVICE', 'LAST PROBE', 'ROUND TRIP', 'AGE'],
    ...cells.map((cell) => [
      cell.nic,
      cell.rs,
      cell.link,
      cell.service,
      lastProbe(cell) ?? 'never',
      cell.rttSeconds === null ? '-' : formatRtt(cell.rttSeconds),
      cell.ageSeconds === null ? '-' : formatDuration(cell.ageSeconds),
    ]),
  ]);
}

function renderTransition(t: TransitionReport): string {
  const blocked = t.blocked.map((held) => ` held back by ${held.rule}: ${held.action.action}`);
  return (
    `${t.time}  ${subjectText(t)}  ${t.previous} → ` +
    `${t.verdict}${t.cause === 'none' ? '' : ` (${t.cause})`}${blocked.join(';')}`
  );
}
