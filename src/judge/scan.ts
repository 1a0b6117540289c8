/** One look at the whole matrix per pass: what is fresh, who has witnesses, what each row and column shows (R0, R1, R4b, R10). */
import { LOCAL_ERROR } from '../model/outcome.ts';
import { BAD, GOOD, roundTrip, type State, UNKNOWN } from './memory.ts';

/** Rewrites `cells.linkNow`, `cells.serviceNow` and everything in `s.scan`. */
export function scanMatrix(s: State, now: number): void {
  clear(s);
  scanAnchors(s, now);
  const n = s.topology.nics.length;
  for (let i = 0; i < n; i++) scanRow(s, i, now);
  const lossy = anyLoss(s);
  if (lossy) for (let i = 0; i < n; i++) addColumnLoss(s, i, now);
  for (let i = 0; i < n; i++) scanWitnesses(s, i, now, lossy);
}

function clear(s: State): void {
  for (const column of Object.values(s.scan)) if (typeof column !== 'number') column.fill(0);
  s.scan.goodGroup.fill(-1);
  s.scan.eligible = 0;
  s.scan.blind = 0;
}

function scanAnchors(s: State, now: number): void {
  const { anchors, scan } = s;
  const oldest = now - roundTrip(s) - s.rules.stale_rounds * s.topology.intervalMs - excuse(s, now, roundTrip(s));
  for (let i = 0; i < s.topology.nics.length; i++) {
    for (let k = anchors.start[i]!; k < anchors.start[i + 1]!; k++) {
      if (anchors.linkT[k]! < oldest) continue;
      scan.anchorsFresh[i]!++;
      if (anchors.streak[k]! > -2 && anchors.link[k] !== BAD) scan.anchorsGood[i]!++;
      if (anchors.link[k] === BAD && anchors.streak[k]! < 0) scan.anchorsBad[i]!++;
    }
  }
}

/** After a restart the last results may be older than usual. */
function excuse(s: State, now: number, limit: number): number {
  return now < s.agent.excusedUntil ? limit : 0;
}

function scanRow(s: State, i: number, now: number): void {
  const { cells, scan, nics, servers } = s;
  const m = s.topology.realServers.length;
  const group = nics.group[i]!;
  const carrierDown = nics.carrier[i] === 0;
  let valid = 0;
  let bad = 0;
  let service = 0;
  let serviceBad = 0;
  let serviceLatestBad = 0;
  let eligible = 0;
  let blind = 0;
  for (let j = 0, c = i * m; j < m; j++, c++) {
    const limit = servers.limit[j]!;
    const oldest = now - limit - excuse(s, now, limit);
    const linkFresh = cells.linkT[c]! >= oldest;
    const link = linkFresh ? cells.link[c]! : UNKNOWN;
    cells.linkNow[c] = link;
    if (linkFresh) {
      if (link === GOOD) valid++;
      else if (link === BAD) {
        valid++;
        bad++;
      }
      if (cells.linkStreak[c]! > 0) {
        const first = scan.goodGroup[j]!;
        if (first < 0) scan.goodGroup[j] = group;
        else if (first !== group) scan.goodElsewhere[j] = 1;
      }
      eligible++;
    } else if (!carrierDown && now >= Math.max(nics.born[i]!, servers.born[j]!) + limit) {
      // A cell that never worked for a local reason (no IPv6 on this NIC) is no sign of blindness; every cell failing so is: see isBlind.
      if (cells.linkT[c]! !== Number.NEGATIVE_INFINITY || cells.outcome[c] !== LOCAL_ERROR) {
        eligible++;
        blind++;
      }
    }
    const serviceFresh = cells.serviceT[c]! >= oldest;
    const state = serviceFresh ? cells.service[c]! : UNKNOWN;
    cells.serviceNow[c] = state;
    if (!serviceFresh) continue;
    service++;
    if (state === BAD) {
      serviceBad++;
      scan.serviceBad[j]!++;
    }
    if (cells.serviceStreak[c]! > 0) scan.serviceGood[j]!++;
    else serviceLatestBad++;
  }
  scan.rowValid[i] = valid;
  scan.rowBad[i] = bad;
  scan.rowService[i] = service;
  scan.rowServiceBad[i] = serviceBad;
  scan.rowServiceLatestBad[i] = serviceLatestBad;
  scan.eligible += eligible;
  scan.blind += blind;
}

/** R0: most cells are unknown, or none could ever be probed although all had the time. */
export function isBlind(s: State, now: number): boolean {
  const { scan, servers, nics } = s;
  if (scan.eligible > 0) return scan.blind > s.rules.blind_fraction * scan.eligible;
  const due = (j: number) =>
    nics.born.some((born, i) => nics.carrier[i] !== 0 && now >= Math.max(born, servers.born[j]!) + servers.limit[j]!);
  return s.topology.realServers.some((_, j) => due(j));
}

function anyLoss(s: State): boolean {
  const { windowLost } = s.cells;
  let seen = 0;
  for (let c = 0; c < windowLost.length; c++) {
    seen += windowLost[c]!;
    if (seen > 1) return true;
  }
  return false;
}

/** Loss windows count only for mixed cells: some good result lately. A dead cell is R3's, R4's or R7's. */
function isMixed(s: State, c: number, now: number): boolean {
  return s.cells.linkGoodT[c]! >= now - s.rules.lossy_mixed_rounds * s.topology.intervalMs;
}

function addColumnLoss(s: State, i: number, now: number): void {
  const { cells, scan } = s;
  const m = s.topology.realServers.length;
  for (let j = 0, c = i * m; j < m; j++, c++) {
    if (!isMixed(s, c, now)) continue;
    scan.columnN[j]! += cells.windowN[c]!;
    scan.columnLost[j]! += cells.windowLost[c]!;
  }
}

function scanWitnesses(s: State, i: number, now: number, lossy: boolean): void {
  const { cells, scan, nics, servers } = s;
  const m = s.topology.realServers.length;
  const group = nics.group[i]!;
  let witnesses = 0;
  let failing = 0;
  let latestBad = 0;
  let rack = -2;
  for (let j = 0, c = i * m; j < m; j++, c++) {
    const state = cells.linkNow[c]!;
    if (state === UNKNOWN) continue;
    const first = scan.goodGroup[j]!;
    if (first < 0 || (first === group && scan.goodElsewhere[j] === 0)) continue;
    witnesses++;
    if (rack === -2) rack = servers.rack[j]!;
    else if (rack !== servers.rack[j]!) scan.witnessRacks[i] = 2;
    if (state === BAD) failing++;
    if (cells.linkStreak[c]! < 0) latestBad++;
    if (lossy && isMixed(s, c, now)) {
      scan.lossN[i]! += cells.windowN[c]!;
      scan.lossLost[i]! += cells.windowLost[c]!;
      scan.lossFlips[i]! += cells.windowFlips[c]!;
      if (cells.windowLost[c]! > 0) scan.lossCells[i]!++;
      scan.othersN[i]! += scan.columnN[j]! - cells.windowN[c]!;
      scan.othersLost[i]! += scan.columnLost[j]! - cells.windowLost[c]!;
    }
  }
  scan.witnesses[i] = witnesses;
  scan.failing[i] = failing;
  scan.latestBad[i] = latestBad;
}
