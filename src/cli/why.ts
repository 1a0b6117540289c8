/** `fourlane why`: the evidence behind the present verdict on a NIC or a real server. */
import { formatDuration, formatRtt } from '../report/format.ts';
import type { CellReport, TransitionReport, VerdictReport } from '../report/report.ts';
import { subjectText } from '../model/subject.ts';
import type { WhyReport } from '../report/why.ts';
import { API_HELP, askAgent, parseApiArguments, reportFailure } from './agent-api.ts';
import { indent, json as jsonOf, type Output, table, terminal } from './output.ts';

const HELP = `Usage: fourlane why nic NAME [--json] [--url URL]
       fourlane why rs HOST:PORT [--json] [--url URL]

Shows the rule, the witnesses and the probe results behind the present verdict.
Exit status: 0 answered, 1 no such NIC or real server, 3 no agent.

${API_HELP}

Example: fourlane why nic eth2
         fourlane why rs 10.1.0.1:8080`;

/** Runs the command; resolves with its exit status. */
export async function why(argv: readonly string[], io: Output = terminal): Promise<number> {
  try {
    const { json, help, url, words } = parseApiArguments(argv);
    if (help) {
      io.out(`${HELP}\n`);
      return 0;
    }
    const [kind, name] = words;
    if ((kind !== 'nic' && kind !== 'rs') || name === undefined || words.length > 2) {
      io.err(`fourlane: ask \`why nic NAME\` or \`why rs HOST:PORT\`\n\n${HELP}\n`);
      return 1;
    }
    const report = await askAgent<WhyReport>(url, `/api/v1/why?${kind}=${encodeURIComponent(name)}`);
    io.out(json ? jsonOf(report) : `${renderWhy(report)}\n`);
    return 0;
  } catch (error) {
    return reportFailure(error, io);
  }
}

/** The report as text for a terminal. */
export function renderWhy(report: WhyReport): string {
  const more = report.cellCount - report.cells.length;
  const some = more > 0 ? ` (the worst ${report.cells.length} of ${report.cellCount})` : '';
  const parts = [...report.verdicts.map(renderVerdict), `Checks now${some}:\n${indent(cellTable(report.cells))}`];
  if (report.transitions.length > 0)
    parts.push(`Recent changes, newest first:\n${indent(report.transitions.map(renderTransition).join('\n'))}`);
  return parts.join('\n\n');
}

function renderVerdict(v: VerdictReport): string {
  const { rule, witnesses, failing, anchors, cells, numbers } = v.evidence;
  const lines = [v.reason, `since ${v.since}, for ${formatDuration(v.forSeconds)}`];
  if (rule !== '')
    lines.push(
      `rule ${rule}${witnesses > 0 ? `: ${failing} of ${witnesses} witnesses fail` : failing > 0 ? `: ${failing} failing` : ''}`,
    );
  const compared = Object.entries(numbers).map(([name, n]) => `${name} = ${Math.round(n * 1000) / 1000}`);
  if (compared.length > 0) lines.push(`numbers compared: ${compared.join(', ')}`);
  if (anchors.length > 0) lines.push(`anchors: ${anchors.map((a) => `${a.id} ${a.outcome}`).join(', ')}`);
  if (cells.length > 0) {
    const rows = cells.map((c) => [
      c.nic,
      c.rs,
      c.outcome,
      c.phase,
      detail(c),
      `${c.consecutiveBad} bad in a row`,
      `${(c.elapsedUs / 1000).toFixed(1)} ms`,
    ]);
    lines.push('probes it rests on:', indent(table(rows)));
  }
  return `${subjectText(v)}: ${v.verdict}${v.cause === 'none' ? '' : ` (${v.cause})`}\n${indent(lines.join('\n'))}`;
}

function detail(c: VerdictReport['evidence']['cells'][number]): string {
  if (c.cause === 'none') return '-';
  return c.detail === 0 ? c.cause : `${c.cause} ${c.detail}`;
}

function cellTable(cells: readonly CellReport[]): string {
  return table([
    ['NIC', 'REAL SERVER', 'LINK', 'SERVICE', 'LAST PROBE', 'ROUND TRIP', 'AGE'],
    ...cells.map((c) => [
      c.nic,
      c.rs,
      c.link,
      c.service,
      c.outcome ?? 'never',
      c.rttSeconds === null ? '-' : formatRtt(c.rttSeconds),
      c.ageSeconds === null ? '-' : formatDuration(c.ageSeconds),
    ]),
  ]);
}

function renderTransition(t: TransitionReport): string {
  const blocked = t.blocked.map((b) => ` held back by ${b.rule}: ${b.action.action}`);
  return (
    `${t.time}  ${subjectText(t)}  ${t.previous} → ` +
    `${t.verdict}${t.cause === 'none' ? '' : ` (${t.cause})`}${blocked.join(';')}`
  );
}
