/**
 * Takes facts into the state: streaks, confirmed states, loss windows, links, what data planes and routing daemons show, permits,
 * the fleet.
 */
import type { DataplaneFact, Facts, LinkFact, NicFact, PermitFact, ResultBatch, RoutingFact } from '../model/facts.ts';
import { LINK_EVIDENCE, NETDOWN, OK_SLOW, SERVICE_EVIDENCE, WEIGHT, WEIGHT_CHANGE } from '../model/outcome.ts';
import { VERDICT } from '../model/verdicts.ts';
import { hasRun, isUp, stepChecker } from '../model/checker.ts';
import { WEIGHT_ADDED, WEIGHT_SET } from './columns.ts';
import { takeFleet } from './fleet.ts';
import { BAD, GOOD, roundTrip, type State, UNKNOWN } from './memory.ts';
import { countLoss } from './window.ts';

const MAX_STREAK = 30_000;
const SAMPLE_MS = 1000;

/** Takes in everything observed since the last pass. What is about subjects that the topology does not have is passed over. */
export function take(state: State, facts: Facts, now: number): void {
  for (const fact of facts.observations) {
    if (fact.kind === 'fleet') takeFleet(state, fact, now);
    else if (fact.nic >= 0 && fact.nic < state.topology.nics.length) takeNicFact(state, fact, now);
  }
  takeResults(state, facts.results, now);
}

function takeNicFact(state: State, fact: NicFact, now: number): void {
  switch (fact.kind) {
    case 'link':
      return takeLink(state, fact, now);
    case 'dataplane':
      return takeDataplane(state, fact, now);
    case 'routing':
      return takeRouting(state, fact, now);
    case 'permit':
      return takePermit(state, fact);
  }
}

function takeLink({ nics }: State, { nic, carrier, port, kernel, measuredAt }: LinkFact, now: number): void {
  nics.portLink[nic] = port ?? -1;
  nics.kernelLink[nic] = kernel ?? -1;
  if (nics.carrier[nic] === carrier) return;
  nics.carrier[nic] = carrier;
  nics.carrierT[nic] = Math.min(measuredAt, now);
}

function takeDataplane({ nics, rules }: State, fact: DataplaneFact, now: number): void {
  const samples = nics.dataplane[fact.nic]!;
  const last = samples.at(-1);
  if (last !== undefined && fact.measuredAt - last.t < SAMPLE_MS) samples.pop();
  const { rxPps: rx, txPps: tx, answeredRatio: ratio, overMs: over = 0, onRequest } = fact;
  samples.push({ t: Math.min(fact.measuredAt, now), rx, tx, ratio, over, onRequest: onRequest ? 1 : 0 });
  while (samples[0]!.t < now - rules.dataplane_memory_ms) samples.shift();
}

function takeRouting({ nics }: State, { nic, session, bfd, measuredAt }: RoutingFact, now: number): void {
  nics.bgpSession[nic] = session;
  nics.bfd[nic] = bfd ?? -1;
  if (bfd === 1) nics.bfdEver[nic] = 1;
  nics.routingT[nic] = Math.min(measuredAt, now);
}

function takePermit({ nics }: State, { nic, granted }: PermitFact): void {
  nics.permit[nic] = granted;
}

function takeResults(state: State, batch: ResultBatch, now: number): void {
  const nicCount = state.topology.nics.length;
  const serverCount = state.topology.realServers.length;
  for (let index = 0; index < batch.count; index++) {
    const nic = batch.nic[index]!;
    const target = batch.target[index]!;
    if (nic < 0 || nic >= nicCount || target >= serverCount) continue;
    const t = Math.min(batch.t[index]!, now);
    if (target < 0) takeAnchor(state, nic, -target - 1, batch.outcome[index]!, t);
    else takeCell(state, batch, index, nic, t);
  }
}

/** The streak after one more result; a gap in the evidence starts it again. */
function extend(streak: number, good: boolean, gap: boolean): number {
  if (gap) return good ? 1 : -1;
  if (good) return streak > 0 ? Math.min(streak + 1, MAX_STREAK) : 1;
  return streak < 0 ? Math.max(streak - 1, -MAX_STREAK) : -1;
}

/**
 * The confirmed state after a streak. What was never known is good at the first good result. What was bad before a gap in the
 * evidence is not called bad again by a good result.
 */
function confirm(confirmed: number, streak: number, gap: boolean, { fall, rise }: { fall: number; rise: number }): number {
  if (streak < 0) return -streak >= fall ? BAD : confirmed;
  if (streak >= rise) return GOOD;
  if (gap && confirmed === BAD) return UNKNOWN;
  return confirmed === UNKNOWN ? GOOD : confirmed;
}

/** After a restart the time without an agent must not break the streaks. */
function patience({ agent }: State, t: number): number {
  return t < agent.excusedUntil ? 2 : 1;
}

function takeCell(state: State, batch: ResultBatch, index: number, nic: number, t: number): void {
  const { cells } = state;
  const server = batch.target[index]!;
  const cell = nic * state.topology.realServers.length + server;
  if (t < cells.t[cell]!) return;
  const outcome = batch.outcome[index]!;
  cells.outcome[cell] = outcome;
  cells.phase[cell] = batch.phase[index]!;
  cells.cause[cell] = batch.cause[index]!;
  cells.detail[cell] = batch.detail[index]!;
  cells.rttUs[cell] = batch.rttUs[index]!;
  cells.elapsedUs[cell] = batch.elapsedUs[index]!;
  cells.t[cell] = t;
  if ((LINK_EVIDENCE[outcome] ?? 0) !== 0) takeLinkEvidence(state, nic, server, outcome, t);
  if ((SERVICE_EVIDENCE[outcome] ?? 0) !== 0) takeServiceEvidence(state, cell, server, outcome, t);
  if ((SERVICE_EVIDENCE[outcome] ?? 0) > 0) takeWeight(state, server, batch.cause[index]!, batch.detail[index]!);
}

/** What a good result says of the weight holds until another one says something else, or nothing. */
function takeWeight({ servers, scan }: State, server: number, cause: number, detail: number): void {
  const by = cause === WEIGHT ? WEIGHT_SET : cause === WEIGHT_CHANGE ? WEIGHT_ADDED : 0;
  const value = by === 0 ? 0 : detail;
  if (servers.weightBy[server] === by && servers.weightValue[server] === value) return;
  servers.weightBy[server] = by;
  servers.weightValue[server] = value;
  scan.weighed = 1;
}

function takeLinkEvidence(state: State, nic: number, server: number, outcome: number, t: number): void {
  const { cells, nics, servers } = state;
  const cell = nic * state.topology.realServers.length + server;
  const good = LINK_EVIDENCE[outcome]! > 0;
  if (outcome !== NETDOWN) nics.netdownFirst[nic] = 0;
  else {
    nics.netdownLast[nic] = t;
    if (nics.netdownFirst[nic] === 0) nics.netdownFirst[nic] = t;
  }
  countLoss(state, cell, !good || outcome === OK_SLOW);
  if (good) {
    if (nics.verdict[nic] === VERDICT.OK && nics.lossyHint[nic] === 0 && servers.verdict[server] === VERDICT.OK)
      countBaseline(state, cell, outcome);
    cells.linkGoodT[cell] = t;
    cells.goodOutcome[cell] = outcome;
    nics.everGood[nic] = 1;
  }
  const gap = t - cells.linkT[cell]! > servers.limit[server]! * patience(state, t);
  if (gap) countMissed(state, server, cells.linkT[cell]!);
  cells.linkStreak[cell] = extend(cells.linkStreak[cell]!, good, gap);
  cells.linkT[cell] = t;
  const limits = { fall: state.adaptedFall[server]!, rise: servers.rise[server]! };
  cells.link[cell] = confirm(cells.link[cell]!, cells.linkStreak[cell]!, gap, limits);
}

/** R0, for a cell without evidence since `last`: all of that gap may lie between two passes (the process was stopped). */
function countMissed(state: State, server: number, last: number): void {
  const { scan, servers } = state;
  if (last >= scan.lastPass - servers.limit[server]! * patience(state, scan.lastPass)) scan.missed++;
}

function takeServiceEvidence(state: State, cell: number, server: number, outcome: number, t: number): void {
  const { cells, servers, adaptedFall } = state;
  const good = SERVICE_EVIDENCE[outcome]! > 0;
  if (good) cells.serviceGoodT[cell] = t;
  const gap = t - cells.serviceT[cell]! > servers.limit[server]! * patience(state, t);
  if (!good && (gap || cells.serviceStreak[cell]! >= 0)) cells.serviceBadT[cell] = t;
  cells.serviceStreak[cell] = extend(cells.serviceStreak[cell]!, good, gap);
  cells.serviceT[cell] = t;
  const { checker } = state.topology.realServers[server]!;
  if (checker !== undefined) {
    const next = stepChecker(checker, state.checkers[cell]!, good);
    state.checkers[cell] = next;
    cells.service[cell] = !hasRun(next) ? UNKNOWN : isUp(checker, next) ? GOOD : BAD;
    return;
  }
  const limits = { fall: adaptedFall[server]!, rise: servers.rise[server]! };
  cells.service[cell] = confirm(cells.service[cell]!, cells.serviceStreak[cell]!, gap, limits);
}

/** Losses that did not last, in a healthy cell, are the baseline's. */
function countBaseline({ baseline, cells }: State, cell: number, outcome: number): void {
  const isolated = cells.linkStreak[cell]! < 0 && cells.link[cell] === GOOD ? -cells.linkStreak[cell]! : 0;
  baseline.results += 1 + isolated;
  baseline.lost += isolated + (outcome === OK_SLOW ? 1 : 0);
}

function takeAnchor(state: State, nic: number, position: number, outcome: number, t: number): void {
  const { anchors, topology, rules } = state;
  const anchor = anchors.start[nic]! + position;
  if (anchor >= anchors.start[nic + 1]! || t < anchors.t[anchor]!) return;
  anchors.t[anchor] = t;
  anchors.outcome[anchor] = outcome;
  const link = LINK_EVIDENCE[outcome] ?? 0;
  if (link === 0) return;
  const limit = roundTrip(state) + rules.stale_rounds * topology.intervalMs;
  const gap = t - anchors.linkT[anchor]! > limit * patience(state, t);
  anchors.streak[anchor] = extend(anchors.streak[anchor]!, link > 0, gap);
  anchors.linkT[anchor] = t;
  anchors.link[anchor] = confirm(anchors.link[anchor]!, anchors.streak[anchor]!, gap, topology);
}
