/** One look at the whole matrix per pass: what is fresh, who has witnesses, what each row and column shows (R0, R1, R4b, R10). */
import { LOCAL_ERROR } from '../model/outcome.ts';
import { BAD, roundTrip, type State, UNKNOWN } from './memory.ts';

/** Rewrites `cells.linkNow`, `cells.serviceNow` and everything in `s.scan`. */
export function scanMatrix(s: State, now: number): void {
  clear(s);
  scanAnchors(s, now);
  const n = s.topology.nics.length;
  for (let i = 0; i < n; i++) scanRow(s, i, now);
  for (let i = 0; i < n; i++) scanWitnesses(s, i);
  scanLoss(s, now);
}

/** Rows are rewritten by their scans; what several rows add to begins at nothing. */
function clear({ scan }: State): void {
  scan.goodGroup.fill(-1);
  scan.goodElsewhere.fill(0);
  scan.serviceGood.fill(0);
  scan.serviceBad.fill(0);
  scan.eligible = 0;
  scan.blind = 0;
}

function scanAnchors(s: State, now: number): void {
  const { anchors, scan } = s;
  const limit = roundTrip(s) + s.rules.stale_rounds * s.topology.intervalMs;
  const oldest = now - limit * (now < s.agent.excusedUntil ? 2 : 1);
  for (let i = 0; i < s.topology.nics.length; i++) {
    let [fresh, good, bad] = [0, 0, 0];
    for (let k = anchors.start[i]!; k < anchors.start[i + 1]!; k++) {
      if (anchors.linkT[k]! < oldest) continue;
      fresh++;
      if (anchors.streak[k]! > -2 && anchors.link[k] !== BAD) good++;
      if (anchors.link[k] === BAD && anchors.streak[k]! < 0) bad++;
    }
    scan.anchorsFresh[i] = fresh;
    scan.anchorsGood[i] = good;
    scan.anchorsBad[i] = bad;
  }
}

function scanRow(s: State, i: number, now: number): void {
  const { link, linkNow, linkT, linkStreak, service, serviceNow, serviceT, serviceStreak } = s.cells;
  const { goodGroup, goodElsewhere, serviceGood, serviceBad } = s.scan;
  const { limit } = s.servers;
  const m = s.topology.realServers.length;
  const group = s.nics.group[i]!;
  const patience = now < s.agent.excusedUntil ? 2 : 1;
  let [valid, bad, served, servedBad, servedLatestBad, eligible, blind] = [0, 0, 0, 0, 0, 0, 0];
  for (let j = 0, c = i * m; j < m; j++, c++) {
    const oldest = now - limit[j]! * patience;
    if (linkT[c]! >= oldest) {
      const state = link[c]!;
      linkNow[c] = state;
      if (state !== UNKNOWN) valid++;
      if (state === BAD) bad++;
      if (linkStreak[c]! > 0) {
        if (goodGroup[j]! < 0) goodGroup[j] = group;
        else if (goodGroup[j] !== group) goodElsewhere[j] = 1;
      }
      eligible++;
    } else {
      linkNow[c] = UNKNOWN;
      if (countsAsBlind(s, i, j, c, now)) {
        eligible++;
        blind++;
      }
    }
    if (serviceT[c]! < oldest) {
      serviceNow[c] = UNKNOWN;
      continue;
    }
    const state = service[c]!;
    serviceNow[c] = state;
    served++;
    if (state === BAD) {
      servedBad++;
      serviceBad[j]!++;
    }
    if (serviceStreak[c]! > 0) serviceGood[j]!++;
    else servedLatestBad++;
  }
  s.scan.rowValid[i] = valid;
  s.scan.rowBad[i] = bad;
  s.scan.rowService[i] = served;
  s.scan.rowServiceBad[i] = servedBad;
  s.scan.rowServiceLatestBad[i] = servedLatestBad;
  s.scan.eligible += eligible;
  s.scan.blind += blind;
}

/**
 * Whether a cell without fresh result is a sign of blindness. Not when its NIC has no carrier, when it is too young, or when it never
 * worked for a local reason (no IPv6 on this NIC).
 */
function countsAsBlind(s: State, i: number, j: number, c: number, now: number): boolean {
  const { nics, servers, cells } = s;
  if (nics.carrier[i] === 0 || now < Math.max(nics.born[i]!, servers.born[j]!) + servers.limit[j]!) return false;
  return cells.linkT[c] !== Number.NEGATIVE_INFINITY || cells.outcome[c] !== LOCAL_ERROR;
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

/**
 * Loss windows count only for mixed cells: some good result lately. A dead cell is R3's, R4's or R7's. This is the time of the oldest
 * good result that is late enough.
 */
function mixedSince(s: State, now: number): number {
  return now - s.rules.lossy_mixed_rounds * s.topology.intervalMs;
}

/** R4b. Without losses there is nothing to add up. */
function scanLoss(s: State, now: number): void {
  const { scan } = s;
  const n = s.topology.nics.length;
  if (!anyLoss(s)) {
    for (const row of [
      scan.lossResults,
      scan.lossLost,
      scan.lossFlips,
      scan.lossReturns,
      scan.lossCells,
      scan.othersResults,
      scan.othersLost,
    ])
      row.fill(0);
    return;
  }
  scan.columnResults.fill(0);
  scan.columnLost.fill(0);
  for (let i = 0; i < n; i++) addColumnLoss(s, i, now);
  for (let i = 0; i < n; i++) sumLoss(s, i, now);
}

function addColumnLoss(s: State, i: number, now: number): void {
  const { linkGoodT, windowResults, windowLost } = s.cells;
  const { columnResults, columnLost } = s.scan;
  const m = s.topology.realServers.length;
  const since = mixedSince(s, now);
  for (let j = 0, c = i * m; j < m; j++, c++) {
    if (linkGoodT[c]! < since) continue;
    columnResults[j]! += windowResults[c]!;
    columnLost[j]! += windowLost[c]!;
  }
}

function scanWitnesses(s: State, i: number): void {
  const { linkNow, linkStreak } = s.cells;
  const { goodGroup, goodElsewhere } = s.scan;
  const { rack } = s.servers;
  const m = s.topology.realServers.length;
  const group = s.nics.group[i]!;
  let witnesses = 0;
  let failing = 0;
  let latestBad = 0;
  let firstRack = -2;
  let otherRack = 0;
  for (let j = 0, c = i * m; j < m; j++, c++) {
    const state = linkNow[c]!;
    if (state === UNKNOWN || !seenElsewhere(goodGroup[j]!, goodElsewhere[j]!, group)) continue;
    witnesses++;
    if (firstRack === -2) firstRack = rack[j]!;
    else if (firstRack !== rack[j]!) otherRack = 1;
    if (state === BAD) failing++;
    if (linkStreak[c]! < 0) latestBad++;
  }
  s.scan.witnesses[i] = witnesses;
  s.scan.witnessRacks[i] = witnesses === 0 ? 0 : 1 + otherRack;
  s.scan.failing[i] = failing;
  s.scan.latestBad[i] = latestBad;
}

/** R1: a NIC of another group has a good latest result. */
function seenElsewhere(first: number, several: number, group: number): boolean {
  return first >= 0 && (first !== group || several === 1);
}

/** Loss over the mixed witness cells of row `i`, and that of the other NICs on the same real servers. */
function sumLoss(s: State, i: number, now: number): void {
  const { linkNow, linkGoodT, windowResults, windowLost, windowFlips } = s.cells;
  const { goodGroup, goodElsewhere, columnResults, columnLost } = s.scan;
  const m = s.topology.realServers.length;
  const group = s.nics.group[i]!;
  const since = mixedSince(s, now);
  let [n, lost, flips, returns, cells, othersResults, othersLost] = [0, 0, 0, 0, 0, 0, 0];
  for (let j = 0, c = i * m; j < m; j++, c++) {
    if (linkGoodT[c]! < since || linkNow[c] === UNKNOWN || !seenElsewhere(goodGroup[j]!, goodElsewhere[j]!, group)) continue;
    n += windowResults[c]!;
    lost += windowLost[c]!;
    flips += windowFlips[c]!;
    returns += windowFlips[c]! >> 1;
    if (windowLost[c]! > 0) cells++;
    othersResults += columnResults[j]! - windowResults[c]!;
    othersLost += columnLost[j]! - windowLost[c]!;
  }
  s.scan.lossResults[i] = n;
  s.scan.lossLost[i] = lost;
  s.scan.lossFlips[i] = flips;
  s.scan.lossReturns[i] = returns;
  s.scan.lossCells[i] = cells;
  s.scan.othersResults[i] = othersResults;
  s.scan.othersLost[i] = othersLost;
}
