/** One look at the whole matrix per pass: what is fresh, who has witnesses, what each row and column shows (R0, R1, R4b, R10). */
import { LOCAL_ERROR, QUARANTINED } from '../model/outcome.ts';
import { BAD, GOOD, roundTrip, type State, UNKNOWN } from './memory.ts';
import { bfdState } from './routing.ts';

/** Rewrites `cells.linkNow`, `cells.serviceNow` and everything in `state.scan`. */
export function scanMatrix(state: State, now: number): void {
  clear(state);
  scanAnchors(state, now);
  const nicCount = state.topology.nics.length;
  for (let nic = 0; nic < nicCount; nic++) scanRow(state, nic, now);
  for (let nic = 0; nic < nicCount; nic++) scanWitnesses(state, nic);
  scanLoss(state, now);
}

/** Rows are rewritten by their scans; what several rows add to begins at nothing. */
function clear({ scan }: State): void {
  scan.goodGroup.fill(-1);
  scan.goodElsewhere.fill(0);
  scan.serviceGood.fill(0);
  scan.serviceBad.fill(0);
  scan.eligible = 0;
  scan.blind = 0;
  scan.local = 0;
}

function scanAnchors(state: State, now: number): void {
  const { anchors, scan } = state;
  const limit = roundTrip(state) + state.rules.stale_rounds * state.topology.intervalMs;
  const oldest = now - limit * (now < state.agent.excusedUntil ? 2 : 1);
  for (let nic = 0; nic < state.topology.nics.length; nic++) {
    let [fresh, good, bad] = [0, 0, 0];
    for (let anchor = anchors.start[nic]!; anchor < anchors.start[nic + 1]!; anchor++) {
      if (anchors.linkT[anchor]! < oldest) continue;
      fresh++;
      if (anchors.streak[anchor]! > -2 && anchors.link[anchor] !== BAD) good++;
      if (anchors.link[anchor] === BAD && anchors.streak[anchor]! < 0) bad++;
    }
    const bfd = bfdState(state, nic, now);
    fresh += Number(bfd !== UNKNOWN);
    good += Number(bfd === GOOD);
    bad += Number(bfd === BAD);
    scan.anchorsFresh[nic] = fresh;
    scan.anchorsGood[nic] = good;
    scan.anchorsBad[nic] = bad;
  }
}

function scanRow(state: State, nic: number, now: number): void {
  const { link, linkNow, linkT, linkStreak, service, serviceNow, serviceT, serviceStreak } = state.cells;
  const { goodGroup, goodElsewhere, serviceGood, serviceBad } = state.scan;
  const { limit } = state.servers;
  const serverCount = state.topology.realServers.length;
  const group = state.nics.group[nic]!;
  const patience = now < state.agent.excusedUntil ? 2 : 1;
  let [valid, bad, served, servedBad, servedLatestBad, eligible, blind, local] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let server = 0, cell = nic * serverCount; server < serverCount; server++, cell++) {
    const oldest = now - limit[server]! * patience;
    if (linkT[cell]! >= oldest) {
      const confirmed = link[cell]!;
      linkNow[cell] = confirmed;
      if (confirmed !== UNKNOWN) valid++;
      if (confirmed === BAD) bad++;
      if (linkStreak[cell]! > 0) {
        if (goodGroup[server]! < 0) goodGroup[server] = group;
        else if (goodGroup[server] !== group) goodElsewhere[server] = 1;
      }
      eligible++;
    } else {
      linkNow[cell] = UNKNOWN;
      if (serviceT[cell]! >= oldest) local++;
      else if (countsAsBlind(state, nic, server, cell, now)) {
        eligible++;
        blind++;
      }
    }
    if (serviceT[cell]! < oldest) {
      serviceNow[cell] = UNKNOWN;
      continue;
    }
    const confirmed = service[cell]!;
    serviceNow[cell] = confirmed;
    // What has not gone through the NIC is evidence of the real server, not of the row.
    const through = linkT[cell]! >= oldest;
    if (through) served++;
    if (confirmed === BAD) {
      if (through) servedBad++;
      serviceBad[server]!++;
    }
    if (serviceStreak[cell]! > 0) serviceGood[server]!++;
    else if (through) servedLatestBad++;
  }
  state.scan.rowValid[nic] = valid;
  state.scan.rowBad[nic] = bad;
  state.scan.rowService[nic] = served;
  state.scan.rowServiceBad[nic] = servedBad;
  state.scan.rowServiceLatestBad[nic] = servedLatestBad;
  state.scan.eligible += eligible;
  state.scan.blind += blind;
  state.scan.local += local;
}

/**
 * Whether a cell without fresh result is a sign of blindness. Not when its NIC has no carrier, when it is too young, when it
 * never worked for a local reason (no IPv6 on this NIC), or when it is in quarantine: that is its real server's doing.
 */
function countsAsBlind(state: State, nic: number, server: number, cell: number, now: number): boolean {
  const { nics, servers, cells } = state;
  if (nics.carrier[nic] === 0 || now < Math.max(nics.born[nic]!, servers.born[server]!) + servers.limit[server]!) return false;
  if (cells.outcome[cell] !== LOCAL_ERROR) return true;
  return cells.linkT[cell] !== Number.NEGATIVE_INFINITY && cells.cause[cell] !== QUARANTINED;
}

/** R0: most cells are unknown or were so since the last pass, or none could ever be probed although all had the time. */
export function isBlind(state: State, now: number): boolean {
  const { scan, servers, nics } = state;
  if (scan.eligible > 0) return scan.blind + scan.missed > state.rules.blind_fraction * scan.eligible;
  if (scan.local > 0) return false;
  const due = (server: number) =>
    nics.born.some(
      (born, nic) => nics.carrier[nic] !== 0 && now >= Math.max(born, servers.born[server]!) + servers.limit[server]!,
    );
  return state.topology.realServers.some((_, server) => due(server));
}

function anyLoss(state: State): boolean {
  const { windowLost } = state.cells;
  let seen = 0;
  for (let cell = 0; cell < windowLost.length; cell++) {
    seen += windowLost[cell]!;
    if (seen > 1) return true;
  }
  return false;
}

/**
 * Loss windows count only for mixed cells: some good result lately. A dead cell is R3's, R4's or R7's. This is the time of the
 * oldest good result that is late enough.
 */
function mixedSince(state: State, now: number): number {
  return now - state.rules.lossy_mixed_rounds * state.topology.intervalMs;
}

/** R4b. Without losses there is nothing to add up. */
function scanLoss(state: State, now: number): void {
  const { scan } = state;
  const nicCount = state.topology.nics.length;
  if (!anyLoss(state)) {
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
  for (let nic = 0; nic < nicCount; nic++) addColumnLoss(state, nic, now);
  for (let nic = 0; nic < nicCount; nic++) sumLoss(state, nic, now);
}

function addColumnLoss(state: State, nic: number, now: number): void {
  const { linkGoodT, windowResults, windowLost } = state.cells;
  const { columnResults, columnLost } = state.scan;
  const serverCount = state.topology.realServers.length;
  const since = mixedSince(state, now);
  for (let server = 0, cell = nic * serverCount; server < serverCount; server++, cell++) {
    if (linkGoodT[cell]! < since) continue;
    columnResults[server]! += windowResults[cell]!;
    columnLost[server]! += windowLost[cell]!;
  }
}

function scanWitnesses(state: State, nic: number): void {
  const { linkNow, linkStreak } = state.cells;
  const { goodGroup, goodElsewhere } = state.scan;
  const { rack } = state.servers;
  const serverCount = state.topology.realServers.length;
  const group = state.nics.group[nic]!;
  let witnesses = 0;
  let failing = 0;
  let latestBad = 0;
  let firstRack = -2;
  let otherRack = 0;
  for (let server = 0, cell = nic * serverCount; server < serverCount; server++, cell++) {
    const confirmed = linkNow[cell]!;
    if (confirmed === UNKNOWN || !seenElsewhere(goodGroup[server]!, goodElsewhere[server]!, group)) continue;
    witnesses++;
    if (firstRack === -2) firstRack = rack[server]!;
    else if (firstRack !== rack[server]!) otherRack = 1;
    if (confirmed === BAD) failing++;
    if (linkStreak[cell]! < 0) latestBad++;
  }
  state.scan.witnesses[nic] = witnesses;
  state.scan.witnessRacks[nic] = witnesses === 0 ? 0 : 1 + otherRack;
  state.scan.failing[nic] = failing;
  state.scan.latestBad[nic] = latestBad;
}

/** R1: a NIC of another group has a good latest result. */
function seenElsewhere(first: number, several: number, group: number): boolean {
  return first >= 0 && (first !== group || several === 1);
}

/** Loss over the mixed witness cells of a row, and that of the other NICs on the same real servers. */
function sumLoss(state: State, nic: number, now: number): void {
  const { linkNow, linkGoodT, windowResults, windowLost, windowFlips } = state.cells;
  const { goodGroup, goodElsewhere, columnResults, columnLost } = state.scan;
  const serverCount = state.topology.realServers.length;
  const group = state.nics.group[nic]!;
  const since = mixedSince(state, now);
  let [results, lost, flips, returns, cells, othersResults, othersLost] = [0, 0, 0, 0, 0, 0, 0];
  for (let server = 0, cell = nic * serverCount; server < serverCount; server++, cell++) {
    if (
      linkGoodT[cell]! < since ||
      linkNow[cell] === UNKNOWN ||
      !seenElsewhere(goodGroup[server]!, goodElsewhere[server]!, group)
    )
      continue;
    results += windowResults[cell]!;
    lost += windowLost[cell]!;
    flips += windowFlips[cell]!;
    returns += windowFlips[cell]! >> 1;
    if (windowLost[cell]! > 0) cells++;
    othersResults += columnResults[server]! - windowResults[cell]!;
    othersLost += columnLost[server]! - windowLost[cell]!;
  }
  state.scan.lossResults[nic] = results;
  state.scan.lossLost[nic] = lost;
  state.scan.lossFlips[nic] = flips;
  state.scan.lossReturns[nic] = returns;
  state.scan.lossCells[nic] = cells;
  state.scan.othersResults[nic] = othersResults;
  state.scan.othersLost[nic] = othersLost;
}
