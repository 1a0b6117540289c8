/** Reading the judge's state: for the status page, the metrics, `why`. Nothing here changes it. */
import type { Evidence, Subject, Verdict } from '../model/verdict.ts';
import { evidenceOf } from './explain.ts';
import { type Indexed, indexSubject, nameSubject } from './subjects.ts';
import { VERDICT, VERDICTS, VERDICT_CAUSES } from '../model/verdicts.ts';
import { type State } from './memory.ts';
import { reasonFor } from './reason.ts';

/**
 * The cells as arrays, row by row: the cell of a NIC and a real server is at `nic * serverCount + server`. `link` and `service`
 * are 0 unknown, 1 good, 2 bad; `t` is 0 where nothing was ever probed. The arrays belong to the state and change with each pass.
 */
export function cells(state: State): {
  readonly link: Uint8Array;
  readonly service: Uint8Array;
  readonly outcome: Uint8Array;
  readonly cause: Uint8Array;
  readonly rttUs: Uint32Array;
  readonly t: Float64Array;
} {
  return {
    link: state.cells.linkNow,
    service: state.cells.serviceNow,
    outcome: state.cells.outcome,
    cause: state.cells.cause,
    rttUs: state.cells.rttUs,
    t: state.cells.t,
  };
}

/**
 * Real servers that no NIC can use as far as any can tell, after `fall`: what this load balancer says to the others. Indices of
 * the topology, ascending. Nothing of it counts while the agent doubts itself.
 */
export function badHere({ scan }: State): readonly number[] {
  const { serviceGood, serviceBad } = scan;
  const found: number[] = [];
  for (let server = 0; server < serviceGood.length; server++)
    if (serviceGood[server] === 0 && serviceBad[server]! > 0) found.push(server);
  return found;
}

/** Share of the real servers that some NIC finds good or bad, after `rise` or `fall`; 1 when there are none. */
export function judgedShare({ scan }: State): number {
  const { serviceGood, serviceBad } = scan;
  if (serviceGood.length === 0) return 1;
  let judged = 0;
  for (let server = 0; server < serviceGood.length; server++) if (serviceGood[server]! > 0 || serviceBad[server]! > 0) judged++;
  return judged / serviceGood.length;
}

/** Link of the data-plane port behind a NIC; undefined: there is none, or it is not known. */
export function portLink({ nics }: State, nic: number): 0 | 1 | undefined {
  const link = nics.portLink[nic]!;
  return link === 0 || link === 1 ? link : undefined;
}

/** Share of lost probes 0–1 of a NIC over the loss window, NaN when it holds too few. */
export function loss(state: State, nic: number): number {
  let results = 0;
  let lost = 0;
  const serverCount = state.topology.realServers.length;
  for (let cell = nic * serverCount; cell < (nic + 1) * serverCount; cell++) {
    results += state.cells.windowResults[cell]!;
    lost += state.cells.windowLost[cell]!;
  }
  return results < state.rules.lossy_min_results ? Number.NaN : lost / results;
}

/**
 * Every present verdict other than OK: agent, NICs, real servers, racks, paths. Evidence and reason are made when they are read,
 * and then show what the state shows: in a mass failure nobody looks at all of them.
 */
export function verdicts(state: State): readonly Verdict[] {
  return present(state).map((indexed) => verdictOf(state, indexed));
}

/**
 * The present verdict of one subject, OK included, with its evidence as of now; undefined when the topology has no such subject.
 */
export function why(state: State, subject: Subject): Verdict | undefined {
  const indexed = indexSubject(state, subject);
  return indexed && verdictOf(state, indexed);
}

function present(state: State): Indexed[] {
  const { nics, servers, racks, cells: all, topology } = state;
  const serverCount = topology.realServers.length;
  const found: Indexed[] = state.agent.verdict === '' ? [] : [{ kind: 'agent' }];
  nics.verdict.forEach((verdict, nic) => verdict !== VERDICT.OK && found.push({ kind: 'nic', nic: nic }));
  servers.verdict.forEach((verdict, server) => verdict !== VERDICT.OK && found.push({ kind: 'rs', server: server }));
  racks.verdict.forEach((verdict, rack) => verdict !== VERDICT.OK && found.push({ kind: 'rack', rack: rack }));
  all.path.forEach(
    (verdict, cell) =>
      verdict !== VERDICT.OK && found.push({ kind: 'path', nic: Math.floor(cell / serverCount), server: cell % serverCount }),
  );
  return found;
}

function verdictOf(state: State, indexed: Indexed): Verdict {
  const { nics, servers, racks, agent } = state;
  switch (indexed.kind) {
    case 'agent':
      return lazily(state, indexed, agent.verdict === '' ? VERDICT.OK : VERDICT[agent.verdict], 0, agent.at);
    case 'nic':
      return lazily(state, indexed, nics.verdict[indexed.nic]!, nics.cause[indexed.nic]!, nics.at[indexed.nic]!);
    case 'rs':
      return lazily(
        state,
        indexed,
        servers.verdict[indexed.server]!,
        servers.cause[indexed.server]!,
        servers.at[indexed.server]!,
      );
    case 'rack':
      return lazily(state, indexed, racks.verdict[indexed.rack]!, 0, racks.at[indexed.rack]!);
    case 'path': {
      const cell = indexed.nic * state.topology.realServers.length + indexed.server;
      return lazily(state, indexed, state.cells.path[cell]!, state.cells.pathCause[cell]!, state.cells.pathAt[cell]!);
    }
  }
}

function lazily(state: State, indexed: Indexed, verdict: number, cause: number, since: number): Verdict {
  const subject = nameSubject(state, indexed);
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
      return (evidence ??= evidenceOf(state, indexed, verdict, cause));
    },
  };
}
