/** Reading the judge's state: for the status page, the metrics, `why`. Nothing here changes it. */
import type { Evidence, Subject, Verdict } from '../model/verdict.ts';
import { evidenceOf } from './explain.ts';
import { type Indexed, indexSubject, nameSubject } from './subjects.ts';
import { VERDICT, VERDICTS, VERDICT_CAUSES } from '../model/verdicts.ts';
import { type State } from './memory.ts';
import { reasonFor } from './reason.ts';

/**
 * The cells as arrays, row by row: cell of NIC i and real server j is at `i * M + j`. `link` and `service` are 0 unknown, 1 good, 2 bad;
 * `t` is 0 where nothing was ever probed. The arrays belong to the state and change with each pass.
 */
export function cells(s: State): {
  readonly link: Uint8Array;
  readonly service: Uint8Array;
  readonly outcome: Uint8Array;
  readonly rttUs: Uint32Array;
  readonly t: Float64Array;
} {
  return { link: s.cells.linkNow, service: s.cells.serviceNow, outcome: s.cells.outcome, rttUs: s.cells.rttUs, t: s.cells.t };
}

/** Share of lost probes 0–1 of NIC `i` over the loss window, NaN when it holds too few. */
export function loss(s: State, i: number): number {
  let n = 0;
  let lost = 0;
  const m = s.topology.realServers.length;
  for (let c = i * m; c < (i + 1) * m; c++) {
    n += s.cells.windowResults[c]!;
    lost += s.cells.windowLost[c]!;
  }
  return n < s.rules.lossy_min_results ? Number.NaN : lost / n;
}

/**
 * Every present verdict other than OK: agent, NICs, real servers, racks, paths. Evidence and reason are made when they are read, and
 * then show what the state shows: in a mass failure nobody looks at all of them.
 */
export function verdicts(s: State): readonly Verdict[] {
  return present(s).map((x) => verdictOf(s, x));
}

/** The present verdict of one subject, OK included, with its evidence as of now; undefined when the topology has no such subject. */
export function why(s: State, subject: Subject): Verdict | undefined {
  const x = indexSubject(s, subject);
  return x && verdictOf(s, x);
}

function present(s: State): Indexed[] {
  const { nics, servers, racks, cells: all, topology } = s;
  const m = topology.realServers.length;
  const found: Indexed[] = s.agent.verdict === '' ? [] : [{ kind: 'agent' }];
  nics.verdict.forEach((v, i) => v !== VERDICT.OK && found.push({ kind: 'nic', nic: i }));
  servers.verdict.forEach((v, j) => v !== VERDICT.OK && found.push({ kind: 'rs', server: j }));
  racks.verdict.forEach((v, k) => v !== VERDICT.OK && found.push({ kind: 'rack', rack: k }));
  all.path.forEach((v, c) => v !== VERDICT.OK && found.push({ kind: 'path', nic: Math.floor(c / m), server: c % m }));
  return found;
}

function verdictOf(s: State, x: Indexed): Verdict {
  const { nics, servers, racks, agent } = s;
  switch (x.kind) {
    case 'agent':
      return lazily(s, x, agent.verdict === '' ? VERDICT.OK : VERDICT[agent.verdict], 0, agent.at);
    case 'nic':
      return lazily(s, x, nics.verdict[x.nic]!, nics.cause[x.nic]!, nics.at[x.nic]!);
    case 'rs':
      return lazily(s, x, servers.verdict[x.server]!, servers.cause[x.server]!, servers.at[x.server]!);
    case 'rack':
      return lazily(s, x, racks.verdict[x.rack]!, 0, racks.at[x.rack]!);
    case 'path': {
      const c = x.nic * s.topology.realServers.length + x.server;
      return lazily(s, x, s.cells.path[c]!, s.cells.pathCause[c]!, s.cells.pathAt[c]!);
    }
  }
}

function lazily(s: State, x: Indexed, verdict: number, cause: number, since: number): Verdict {
  const subject = nameSubject(s, x);
  let evidence: Evidence | undefined;
  return {
    ...subject,
    verdict: VERDICTS[verdict]!,
    cause: VERDICT_CAUSES[cause]!,
    since,
    get reason() {
      return reasonFor(subject, VERDICTS[verdict]!, VERDICT_CAUSES[cause]!, this.evidence);
    },
    get evidence() {
      return (evidence ??= evidenceOf(s, x, verdict, cause));
    },
  };
}
