/** The evidence behind a verdict, at the moment it is asked for, and one sentence that says it. */
import { CAUSES, LOCAL_ERROR, OUTCOMES, PHASES, QUARANTINED } from '../model/outcome.ts';
import { type CellEvidence, type Evidence, LINK_STATES } from '../model/verdict.ts';
import { dataplaneNumbers } from './dataplane.ts';
import { fleetAgentNumbers, fleetNumbers, fleetRackNumbers } from './fleet.ts';
import { lossOf } from './nic-loss.ts';
import { bfdState, routingNumbers } from './routing.ts';
import { ruleOf, VERDICT_CAUSES, VERDICTS } from '../model/verdicts.ts';
import type { Indexed } from './subjects.ts';
import { NEVER } from './columns.ts';
import { BAD, type State, UNKNOWN } from './memory.ts';

const MAX_CELLS = 16;

function badRun(state: State, cell: number): number {
  return Math.max(-state.cells.linkStreak[cell]!, -state.cells.serviceStreak[cell]!, 0);
}

function cellEvidence(state: State, cell: number): CellEvidence {
  const { cells, topology } = state;
  const serverCount = topology.realServers.length;
  return {
    nic: topology.nics[Math.floor(cell / serverCount)]!.name,
    rs: topology.realServers[cell % serverCount]!.id,
    outcome: OUTCOMES[cells.outcome[cell]!]!,
    t: cells.t[cell]!,
    phase: PHASES[cells.phase[cell]!]!,
    cause: CAUSES[cells.cause[cell]!]!,
    detail: cells.detail[cell]!,
    rttUs: cells.rttUs[cell]!,
    elapsedUs: cells.elapsedUs[cell]!,
    consecutiveBad: badRun(state, cell),
  };
}

/** At most 16 of the probed cells in `from` … `to` by `step`, those with most bad results in a row first. */
function worstCells(state: State, from: number, to: number, step: number, into: number[] = []): number[] {
  for (let cell = from; cell < to; cell += step) {
    if (state.cells.outcome[cell] === NEVER) continue;
    const run = badRun(state, cell);
    if (into.length === MAX_CELLS && run <= badRun(state, into[MAX_CELLS - 1]!)) continue;
    let at = into.length;
    while (at > 0 && badRun(state, into[at - 1]!) < run) at--;
    into.splice(at, 0, cell);
    if (into.length > MAX_CELLS) into.pop();
  }
  return into;
}

function cellsOf(state: State, indexed: Indexed): readonly CellEvidence[] {
  const serverCount = state.topology.realServers.length;
  const all = state.cells.link.length;
  let found: number[] = [];
  if (indexed.kind === 'nic') found = worstCells(state, indexed.nic * serverCount, (indexed.nic + 1) * serverCount, 1);
  else if (indexed.kind === 'rs' || indexed.kind === 'path') found = worstCells(state, indexed.server, all, serverCount);
  else if (indexed.kind === 'agent') found = worstCells(state, 0, all, 1);
  else for (const server of state.racks.members[indexed.rack]!) worstCells(state, server, all, serverCount, found);
  return found.map((cell) => cellEvidence(state, cell));
}

function anchorsOf(state: State, indexed: Indexed): Evidence['anchors'] {
  if (indexed.kind === 'rs' || indexed.kind === 'rack') return [];
  const { anchors, topology } = state;
  const nics = indexed.kind === 'agent' ? [...topology.nics.keys()] : [indexed.nic];
  return nics
    .flatMap((nic) => [
      ...topology.nics[nic]!.anchors.map((id, position) => {
        const anchor = anchors.start[nic]! + position;
        const outcome = anchors.outcome[anchor]!;
        return { id, outcome: outcome === NEVER ? ('none' as const) : OUTCOMES[outcome]!, t: anchors.t[anchor]! };
      }),
      ...bfdAsAnchor(state, nic),
    ])
    .slice(0, MAX_CELLS);
}

/** BFD with the routers behind a NIC, where it counts. */
function bfdAsAnchor(state: State, nic: number): Evidence['anchors'] {
  const bfd = bfdState(state, nic, state.clock.now);
  return bfd === UNKNOWN ? [] : [{ id: 'BFD', outcome: bfd === BAD ? 'timeout' : 'ok', t: state.nics.routingT[nic]! }];
}

function linksOf({ nics, topology }: State, indexed: Indexed): Pick<Evidence, 'links'> {
  const port = indexed.kind === 'nic' ? topology.nics[indexed.nic]!.port : undefined;
  if (indexed.kind !== 'nic' || port === undefined) return {};
  const state = (links: Int8Array) => LINK_STATES[links[indexed.nic]! + 1]!;
  return { links: { port, portLink: state(nics.portLink), kernelLink: state(nics.kernelLink) } };
}

const round = (value: number) => Math.round(value * 10_000) / 10_000;

interface Counts {
  readonly witnesses: number;
  readonly failing: number;
  readonly numbers: Readonly<Record<string, number>>;
}

function nicCounts(state: State, nic: number): Counts {
  const witnesses = state.scan.witnesses[nic]!;
  const failing = state.scan.failing[nic]!;
  const { loss, others, z } = lossOf(state, nic);
  const numbers = {
    f: witnesses === 0 ? 0 : failing / witnesses,
    latest_bad: witnesses === 0 ? 0 : state.scan.latestBad[nic]! / witnesses,
    loss,
    loss_others: others,
    z,
    ...dataplaneNumbers(state, nic, state.clock.now),
    ...routingNumbers(state, nic, state.clock.now),
  };
  const rounded = Object.entries(numbers).map(([name, value]) => [name, round(value)]);
  return { witnesses, failing, numbers: Object.fromEntries(rounded) as Record<string, number> };
}

function counts(state: State, indexed: Indexed): Counts {
  const { scan, cells, topology, racks } = state;
  const serverCount = topology.realServers.length;
  switch (indexed.kind) {
    case 'nic':
      return nicCounts(state, indexed.nic);
    case 'rs':
    case 'path': {
      let valid = 0;
      let failing = 0;
      let quarantined = 0;
      for (let cell = indexed.server; cell < cells.link.length; cell += serverCount) {
        if (cells.serviceNow[cell] !== 0) valid++;
        if (cells.serviceNow[cell] === BAD) failing++;
        if (cells.outcome[cell] === LOCAL_ERROR && cells.cause[cell] === QUARANTINED) quarantined++;
      }
      return {
        witnesses: scan.serviceGood[indexed.server]!,
        failing,
        numbers: {
          valid_cells: valid,
          good_nics: scan.serviceGood[indexed.server]!,
          ...(quarantined === 0 ? {} : { quarantined_cells: quarantined }),
          ...(indexed.kind === 'rs' ? fleetNumbers(state, indexed.server) : {}),
        },
      };
    }
    case 'rack': {
      const size = racks.members[indexed.rack]!.length;
      return {
        witnesses: 0,
        failing: racks.down[indexed.rack]!,
        numbers: {
          real_servers: size,
          down: racks.down[indexed.rack]!,
          ...fleetRackNumbers(state, racks.members[indexed.rack]!),
        },
      };
    }
    case 'agent': {
      const failing = scan.rowServiceBad.reduce((sum, count) => sum + count, 0);
      const anchorsGood = scan.anchorsGood.reduce((sum, count) => sum + count, 0);
      const numbers = {
        cells: scan.eligible,
        unknown: scan.blind,
        ...(scan.missed > 0 && { missed: scan.missed }),
        anchors_good: anchorsGood,
        ...fleetAgentNumbers(state),
      };
      return { witnesses: 0, failing, numbers };
    }
  }
}

/** What the rules see of a subject now. */
export function evidenceOf(state: State, indexed: Indexed, verdict: number, cause: number): Evidence {
  return {
    rule: ruleOf(indexed.kind, VERDICTS[verdict]!, VERDICT_CAUSES[cause]!),
    ...counts(state, indexed),
    anchors: anchorsOf(state, indexed),
    ...linksOf(state, indexed),
    cells: cellsOf(state, indexed),
  };
}
