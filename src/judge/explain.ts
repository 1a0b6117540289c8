/** The evidence behind a verdict, at the moment it is asked for, and one sentence that says it. */
import { CAUSES, OUTCOMES, PHASES } from '../model/outcome.ts';
import type { CellEvidence, Evidence } from '../model/verdict.ts';
import { lossOf } from './nic.ts';
import { ruleOf, VERDICT_CAUSES, VERDICTS } from '../model/verdicts.ts';
import type { Indexed } from './subjects.ts';
import { NEVER } from './columns.ts';
import { BAD, type State } from './memory.ts';

const MAX_CELLS = 16;

function badRun(s: State, c: number): number {
  return Math.max(-s.cells.linkStreak[c]!, -s.cells.serviceStreak[c]!, 0);
}

function cellEvidence(s: State, c: number): CellEvidence {
  const { cells, topology } = s;
  const m = topology.realServers.length;
  return {
    nic: topology.nics[Math.floor(c / m)]!.name,
    rs: topology.realServers[c % m]!.id,
    outcome: OUTCOMES[cells.outcome[c]!]!,
    t: cells.t[c]!,
    phase: PHASES[cells.phase[c]!]!,
    cause: CAUSES[cells.cause[c]!]!,
    detail: cells.detail[c]!,
    rttUs: cells.rttUs[c]!,
    elapsedUs: cells.elapsedUs[c]!,
    consecutiveBad: badRun(s, c),
  };
}

/** At most 16 of the probed cells in `from` … `to` by `step`, those with most bad results in a row first. */
function worstCells(s: State, from: number, to: number, step: number, into: number[] = []): number[] {
  for (let c = from; c < to; c += step) {
    if (s.cells.outcome[c] === NEVER) continue;
    const run = badRun(s, c);
    if (into.length === MAX_CELLS && run <= badRun(s, into[MAX_CELLS - 1]!)) continue;
    let at = into.length;
    while (at > 0 && badRun(s, into[at - 1]!) < run) at--;
    into.splice(at, 0, c);
    if (into.length > MAX_CELLS) into.pop();
  }
  return into;
}

function cellsOf(s: State, x: Indexed): readonly CellEvidence[] {
  const m = s.topology.realServers.length;
  const all = s.cells.link.length;
  let found: number[] = [];
  if (x.kind === 'nic') found = worstCells(s, x.nic * m, (x.nic + 1) * m, 1);
  else if (x.kind === 'rs' || x.kind === 'path') found = worstCells(s, x.server, all, m);
  else if (x.kind === 'agent') found = worstCells(s, 0, all, 1);
  else for (const j of s.racks.members[x.rack]!) worstCells(s, j, all, m, found);
  return found.map((c) => cellEvidence(s, c));
}

function anchorsOf(s: State, x: Indexed): Evidence['anchors'] {
  if (x.kind === 'rs' || x.kind === 'rack') return [];
  const { anchors, topology } = s;
  const nics = x.kind === 'agent' ? [...topology.nics.keys()] : [x.nic];
  return nics
    .flatMap((i) =>
      topology.nics[i]!.anchors.map((id, a) => {
        const k = anchors.start[i]! + a;
        const outcome = anchors.outcome[k]!;
        return { id, outcome: outcome === NEVER ? 'none' : OUTCOMES[outcome]!, t: anchors.t[k]! };
      }),
    )
    .slice(0, MAX_CELLS);
}

const round = (x: number) => Math.round(x * 10_000) / 10_000;

function counts(s: State, x: Indexed): { witnesses: number; failing: number; numbers: Record<string, number> } {
  const { scan, cells, topology, racks } = s;
  const m = topology.realServers.length;
  switch (x.kind) {
    case 'nic': {
      const witnesses = scan.witnesses[x.nic]!;
      const failing = scan.failing[x.nic]!;
      const { loss, others, z } = lossOf(s, x.nic);
      const f = witnesses === 0 ? 0 : failing / witnesses;
      const latest = witnesses === 0 ? 0 : scan.latestBad[x.nic]! / witnesses;
      const numbers = { f: round(f), latest_bad: round(latest), loss: round(loss), loss_others: round(others), z: round(z) };
      return { witnesses, failing, numbers };
    }
    case 'rs':
    case 'path': {
      let valid = 0;
      let failing = 0;
      for (let c = x.server; c < cells.link.length; c += m) {
        if (cells.serviceNow[c] !== 0) valid++;
        if (cells.serviceNow[c] === BAD) failing++;
      }
      return {
        witnesses: scan.serviceGood[x.server]!,
        failing,
        numbers: { valid_cells: valid, good_nics: scan.serviceGood[x.server]! },
      };
    }
    case 'rack': {
      const size = racks.members[x.rack]!.length;
      return { witnesses: 0, failing: racks.down[x.rack]!, numbers: { real_servers: size, down: racks.down[x.rack]! } };
    }
    case 'agent': {
      const failing = scan.rowServiceBad.reduce((a, b) => a + b, 0);
      const anchorsGood = scan.anchorsGood.reduce((a, b) => a + b, 0);
      return { witnesses: 0, failing, numbers: { cells: scan.eligible, unknown: scan.blind, anchors_good: anchorsGood } };
    }
  }
}

/** What the rules see of a subject now. */
export function evidenceOf(s: State, x: Indexed, verdict: number, cause: number): Evidence {
  return {
    rule: ruleOf(x.kind, VERDICTS[verdict]!, VERDICT_CAUSES[cause]!),
    ...counts(s, x),
    anchors: anchorsOf(s, x),
    cells: cellsOf(s, x),
  };
}
