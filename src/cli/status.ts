/** `fourlane status`: the running agent's NICs, services, real servers and verdicts. */
import { formatDuration, formatRtt, formatShare } from '../report/format.ts';
import { type NicReport, pendingText, type ServiceReport, type StatusReport } from '../report/report.ts';
import { subjectText } from '../model/subject.ts';
import { isFault } from '../model/verdicts.ts';
import { API_HELP, askAgent, withAgent } from './agent-api.ts';
import { json as jsonOf, type Output, table, terminal } from './output.ts';

const HELP = `Usage: fourlane status [--json] [--url URL]

Shows what the running agent says of its NICs, services and real servers.
Exit status: 0 all good, 2 something failed or an action is not in place, 3 no agent.

${API_HELP}

Example: fourlane status --url http://lb-01:9844`;

/** Runs the command; resolves with its exit status. */
export function status(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withAgent(argv, io, HELP, async ({ json, url, words }) => {
    if (words.length > 0) return `status takes no "${words[0]}"`;
    const report = await askAgent<StatusReport>(url, `/api/v1/status?realServers=${json ? 'all' : 'altered'}`);
    io.out(json ? jsonOf(report) : `${renderStatus(report)}\n`);
    return isGood(report) ? 0 : 2;
  });
}

/**
 * Whether nothing has failed: SUSPECT is a verdict in the making, not a failure; an action that failed or can't be done is one.
 */
export function isGood(report: StatusReport): boolean {
  const failed = report.verdicts.some((verdict) => isFault(verdict.verdict));
  return (
    !failed &&
    report.pending.failing === 0 &&
    report.ready &&
    report.state === 'ok' &&
    report.services.every((service) => service.up && !service.panic)
  );
}

/** The report as text for a terminal. */
export function renderStatus(report: StatusReport): string {
  const { cluster, server, state, version, uptimeSeconds, revision, lastReload } = report;
  const parts = [
    `${cluster}/${server}  ` +
      `${state === 'ok' ? 'running' : state.toUpperCase()}${report.ready ? '' : `  not ready: ${report.reason}`}`,
    `fourlane ${version}, up ${formatDuration(uptimeSeconds)}, config ${revision.slice(0, 8)} ` +
      `${lastReload.ok ? 'loaded' : 'REFUSED'} ${lastReload.time}`,
    ...(lastReload.ok ? [] : [lastReload.message]),
    '',
    renderVerdicts(report),
    '',
    table([['NIC', 'VERDICT', 'CARRIER', 'SLICE', 'CHECKS', 'RTT P50', 'P99', 'LOSS'], ...report.nics.map(nicRow)]),
    '',
    table([['SERVICE', 'VIP', 'STATE', 'REAL SERVERS', 'SLICES'], ...report.services.map(serviceRow)]),
  ];
  const altered = alteredRows(report.services);
  const pending = pendingRows(report);
  const sources = report.sources.map((source) => [
    source.name,
    source.state === 'failed' ? 'FAILED' : source.state,
    source.state === 'data' ? '' : source.reason,
  ]);
  return [
    ...parts,
    ...(altered.length === 0 ? [] : ['', table([['REAL SERVER', 'SERVICE', 'VERDICT', 'WEIGHT'], ...altered])]),
    ...(pending.length === 0 ? [] : ['', table([['NOT IN PLACE', 'BY', 'STATE', ''], ...pending])]),
    ...(sources.length === 0 ? [] : ['', table([['SOURCE', 'STATE', ''], ...sources])]),
  ].join('\n');
}

function renderVerdicts(report: StatusReport): string {
  const { failing } = report.pending;
  if (report.verdicts.length === 0) return failing === 0 ? 'No faults.' : `No verdicts, but ${notInPlace(failing)}: see below.`;
  return report.verdicts
    .map((verdict) => {
      const cause = verdict.cause === 'none' ? '' : ` (${verdict.cause})`;
      const head = `${verdict.verdict}${cause}  ${subjectText(verdict)}  for ${formatDuration(verdict.forSeconds)}`;
      return `${head}\n  ${verdict.reason}\n  → ${verdict.command}`;
    })
    .join('\n');
}

const notInPlace = (failing: number) => (failing === 1 ? '1 action is not in place' : `${failing} actions are not in place`);

function nicRow(nic: NicReport): readonly string[] {
  const total = Object.values(nic.cells).reduce((a, b) => a + b, 0);
  const rtt = nic.rttSeconds;
  return [
    nic.name,
    nic.cause === 'none' ? nic.verdict : `${nic.verdict}/${nic.cause}`,
    nic.port === undefined ? nic.carrier : `${nic.carrier}, ${nic.port.name} ${nic.port.link}`,
    nic.enabled ? 'in service' : 'TAKEN OUT',
    `${nic.cells.ok} of ${total} good`,
    rtt === null ? '-' : formatRtt(rtt.p50),
    rtt === null ? '-' : formatRtt(rtt.p99),
    nic.lossRatio === null ? '-' : formatShare(nic.lossRatio),
  ];
}

function serviceRow(serviceReport: ServiceReport): readonly string[] {
  const slices = serviceReport.slices.map((slice) => (slice.enabled ? slice.nic : `(${slice.nic})`)).join(' ');
  return [
    serviceReport.name,
    serviceReport.vip === serviceReport.name ? '' : serviceReport.vip,
    serviceReport.panic ? 'PANIC' : serviceReport.up ? 'up' : 'DOWN',
    `${serviceReport.enabled} of ${serviceReport.total} in service`,
    slices,
  ];
}

/** Real servers that are not as configured. */
function alteredRows(services: readonly ServiceReport[]): readonly (readonly string[])[] {
  return services.flatMap((service) =>
    service.realServers
      .filter((server) => server.state !== 'up' || server.weight.wanted !== server.weight.configured)
      .map((server) => [
        server.realServer,
        service.name,
        server.cause === 'none' ? server.verdict : `${server.verdict}/${server.cause}`,
        `${server.weight.configured} → ${server.weight.wanted}${server.state === 'held' ? ' (held)' : ''}`,
      ]),
  );
}

/** What the actuators have still to do. */
function pendingRows({ pending: { total, longest } }: StatusReport): readonly (readonly string[])[] {
  const rows = longest.map((p) => [
    pendingText(p),
    p.actuator,
    p.state === 'retrying' ? `FAILED ${p.failures} ×` : p.state === 'unsupported' ? 'UNSUPPORTED' : p.state,
    `for ${formatDuration(p.forSeconds)}${p.error === '' ? '' : `: ${p.error}`}`,
  ]);
  return total > longest.length ? [...rows, [`and ${total - longest.length} more`]] : rows;
}
