/**
 * R12: turns verdicts into the wanted state, within limits. Only what takes something out of service is limited: giving back is always
 * safe, so nothing healthy stays out longer than R13 wants. A change that a limit holds back is made as soon as the limit allows.
 */
import type { Action } from '../model/verdict.ts';
import {
  type Governor,
  LIMIT,
  LIMITS,
  nicKey,
  pathKey,
  putPath,
  putWeight,
  type Report,
  remaining,
  spend,
} from './governor-state.ts';
import { CAUSE, isOut, type State, V } from './memory.ts';

const EPSILON = 1e-9;
/** Weights move in steps of this during slow start: an action per step, not per pass. */
const STEP = 0.1;

interface Pass {
  readonly s: State;
  readonly g: Governor;
  readonly now: number;
  readonly report: Report;
  /** Just after a freeze old verdicts must be seen again before they take anything out. */
  readonly settling: boolean;
  /** Whether the fleet's semaphore lets another NIC go. */
  readonly permitted: boolean;
}

/** Brings the wanted state as near to the verdicts as the limits allow, and reports each step. In a freeze nothing moves. */
export function govern(s: State, now: number, permitted: boolean, report: Report): void {
  const g = s.governor;
  g.charged.clear();
  g.wanted.frozen = s.agent.verdict;
  const p: Pass = { s, g, now, report, settling: now < s.agent.settleUntil, permitted };
  if (s.agent.verdict === '') {
    g.wanted.panic.fill(0);
    keepFloors(p);
    for (const c of g.activePaths) if (g.wanted.nicEnabled[nicOf(s, c)] === 0) eachPathSlot(p, c, lowerPath);
    for (const j of g.activeServers) eachSlot(p, j, raiseWeight);
    for (const c of g.activePaths) eachPathSlot(p, c, raisePath);
    moveNics(p);
  } else holdNics(p);
  for (const j of g.activeServers) {
    if (!eachSlot(p, j, lowerWeight) && s.servers.verdict[j] === V.OK && s.servers.rampT[j] === 0) g.activeServers.delete(j);
  }
  for (const c of g.activePaths) if (!eachPathSlot(p, c, lowerPath) && s.cells.path[c] === V.OK) g.activePaths.delete(c);
}

const nicOf = (s: State, c: number) => Math.floor(c / s.topology.realServers.length);

/** Share of its weight that real server `j` should have: 0 when down, a rising share after that. */
function wantedWeight(s: State, j: number, now: number): number {
  const { servers, rules } = s;
  if (servers.verdict[j] === V.RS_DOWN) return 0;
  let weight = 1;
  if (servers.rampT[j]! > 0) {
    const done = rules.slow_start_ms === 0 ? 1 : (now - servers.rampT[j]!) / rules.slow_start_ms;
    weight = rules.slow_start_weight + (1 - rules.slow_start_weight) * Math.min(done, 1);
    weight = Math.max(rules.slow_start_weight, Math.floor(weight / STEP + EPSILON) * STEP);
    if (done >= 1) servers.rampT[j] = 0;
  }
  const most = servers.verdict[j] === V.FLAPPING ? rules.flapping_weight : 1;
  return Math.min(weight, most);
}

// ---- slots: a real server or a path may be used by several services

type SlotStep = (p: Pass, j: number, v: number, r: number) => boolean;
type PathStep = (p: Pass, c: number, v: number, k: number, r: number) => boolean;

/** True when the step left something to do. */
function eachSlot(p: Pass, j: number, step: SlotStep): boolean {
  const { g } = p;
  let open = false;
  for (let at = g.slotStart[j]!; at < g.slotStart[j + 1]!; at++) {
    if (step(p, j, g.slotService[at]!, g.slotIndex[at]!)) open = true;
  }
  return open;
}

function eachPathSlot(p: Pass, c: number, step: PathStep): boolean {
  const { g, s } = p;
  const i = nicOf(s, c);
  const j = c - i * s.topology.realServers.length;
  let open = false;
  for (let at = g.slotStart[j]!; at < g.slotStart[j + 1]!; at++) {
    const v = g.slotService[at]!;
    const k = s.topology.services[v]!.nics.indexOf(i);
    if (k >= 0 && step(p, c, v, k, g.slotIndex[at]!)) open = true;
  }
  return open;
}

function hold(p: Pass, table: Uint8Array, at: number, limit: number, subject: number, action: () => Action): boolean {
  if (table[at] !== limit) p.report.held(action(), LIMITS[limit]!, subject);
  table[at] = limit;
  return true;
}

// ---- real servers

function weightAction(s: State, v: number, r: number, weight: number): Action {
  const service = s.topology.services[v]!;
  const rs = s.topology.realServers[service.realServers[r]!]!.id;
  return { action: 'set_real_server', service: service.name, rs, weight: Math.round(weight * 1000) / 1000 };
}

function setWeight(p: Pass, j: number, v: number, r: number, weight: number): void {
  putWeight(p.g, v, r, weight);
  p.g.heldWeight[v]![r] = 0;
  p.report.done(weightAction(p.s, v, r, weight), j);
}

function raiseWeight(p: Pass, j: number, v: number, r: number): boolean {
  const weight = Math.fround(wantedWeight(p.s, j, p.now));
  if (weight > p.g.wanted.weight[v]![r]!) setWeight(p, j, v, r, weight);
  return false;
}

function lowerWeight(p: Pass, j: number, v: number, r: number): boolean {
  const { s, g } = p;
  const present = g.wanted.weight[v]![r]!;
  if (s.servers.verdict[j] !== V.RS_DOWN || present === 0) {
    g.heldWeight[v]![r] = 0;
    return present !== 1;
  }
  const inService = g.pathsOn[v]![r]! > 0;
  const limit = serverLimit(p, v, inService ? 1 : 0, 1, j, inService);
  if (limit !== 0) return hold(p, g.heldWeight[v]!, r, limit, j, () => weightAction(s, v, r, 0));
  charge(p, v, inService ? 1 : 0, 1, j);
  setWeight(p, j, v, r, 0);
  return true;
}

/** The limit that keeps a change at the cost of `cost` real servers of service `v` back, or 0. */
function serverLimit(p: Pass, v: number, cost: number, agentCost: number, subject: number, removes: boolean): number {
  const { s, g, now } = p;
  const { rules } = s;
  if (s.agent.verdict !== '' || p.settling) return LIMIT.freeze;
  if (removes && g.enabled[v]! - 1 < floorOf(s, v)) {
    g.wanted.panic[v] = 1;
    return LIMIT.panic;
  }
  const size = s.topology.services[v]!.realServers.length;
  const budget = Math.max(1, Math.floor(rules.budget_fraction * size + EPSILON));
  if (remaining(g.spentService[v]!, budget, now, rules.budget_window_ms) < cost - EPSILON) return LIMIT.budgetService;
  if (g.charged.has(subject)) return 0;
  return remaining(g.spentAgent, rules.budget_real_servers, now, rules.budget_window_ms) < agentCost - EPSILON
    ? LIMIT.budgetAgent
    : 0;
}

function charge(p: Pass, v: number, cost: number, agentCost: number, subject: number): void {
  const { g, now } = p;
  spend(g.spentService[v]!, cost, now);
  if (!g.charged.has(subject)) spend(g.spentAgent, agentCost, now);
  g.charged.add(subject);
}

/** Least number of real servers service `v` must keep. */
function floorOf(s: State, v: number): number {
  const { panic, realServers } = s.topology.services[v]!;
  if (realServers.length < s.rules.panic_min_real_servers) return Math.min(1, realServers.length);
  return Math.ceil(panic * realServers.length - EPSILON);
}

/** After a reload a service may have fewer real servers in service than its floor: the least bad come back. */
function keepFloors(p: Pass): void {
  const { s, g } = p;
  for (let v = 0; v < g.enabled.length; v++) {
    const floor = floorOf(s, v);
    if (g.enabled[v]! >= floor) continue;
    const { realServers } = s.topology.services[v]!;
    const out = realServers.flatMap((j, r) => (g.wanted.weight[v]![r] === 0 && g.pathsOn[v]![r]! > 0 ? [{ j, r }] : []));
    out.sort((a, b) => badness(s, a.j) - badness(s, b.j) || s.servers.at[b.j]! - s.servers.at[a.j]! || a.j - b.j);
    for (const { j, r } of out.slice(0, floor - g.enabled[v]!)) setWeight(p, j, v, r, 1);
  }
}

/** Which of two real servers that are down is worse: one that answers wrongly is better than one that refuses or is silent. */
export function badness(s: State, j: number): number {
  if (s.servers.verdict[j] !== V.RS_DOWN) return 0;
  const cause = s.servers.cause[j]!;
  return cause === CAUSE.l7 ? 1 : cause === CAUSE.refused ? 2 : 3;
}

// ---- paths

function pathAction(s: State, c: number, v: number, on: boolean): Action {
  const i = nicOf(s, c);
  const rs = s.topology.realServers[c - i * s.topology.realServers.length]!.id;
  const service = s.topology.services[v]!.name;
  return { action: on ? 'enable_path' : 'disable_path', service, nic: s.topology.nics[i]!.name, rs };
}

function setPath(p: Pass, c: number, v: number, k: number, r: number, on: 0 | 1): void {
  putPath(p.g, v, k, r, on);
  p.g.heldPath[v]![k * p.g.pathsOn[v]!.length + r] = 0;
  p.report.done(pathAction(p.s, c, v, on === 1), pathKey(p.s.topology, c));
}

function raisePath(p: Pass, c: number, v: number, k: number, r: number): boolean {
  const off = p.g.wanted.path[v]![k * p.g.pathsOn[v]!.length + r] === 0;
  if (off && p.s.cells.path[c] !== V.PATH) setPath(p, c, v, k, r, 1);
  return false;
}

function lowerPath(p: Pass, c: number, v: number, k: number, r: number): boolean {
  const { s, g } = p;
  const at = k * g.pathsOn[v]!.length + r;
  const off = g.wanted.path[v]![at] === 0;
  if (s.cells.path[c] !== V.PATH || off) {
    g.heldPath[v]![at] = 0;
    return off;
  }
  const limit = pathLimit(p, c, v, k, r);
  if (limit !== 0) return hold(p, g.heldPath[v]!, at, limit, pathKey(s.topology, c), () => pathAction(s, c, v, false));
  if (g.wanted.nicEnabled[nicOf(s, c)] === 1) charge(p, v, ...pathCost(s, v), pathKey(s.topology, c));
  setPath(p, c, v, k, r, 0);
  return true;
}

/** One slice of several is that part of a real server. */
function pathCost(s: State, v: number): [number, number] {
  return [1 / s.topology.services[v]!.nics.length, 1 / s.topology.nics.length];
}

function pathLimit(p: Pass, c: number, v: number, k: number, r: number): number {
  const { s, g } = p;
  const removes = g.pathsOn[v]![r] === 1 && g.wanted.weight[v]![r]! > 0;
  // On a NIC that is out of service nothing is taken from anybody: no budget is needed.
  const free = g.wanted.nicEnabled[nicOf(s, c)] === 0 && !removes && s.agent.verdict === '';
  const limit = free ? 0 : serverLimit(p, v, ...pathCost(s, v), pathKey(s.topology, c), removes);
  if (limit !== 0 || g.sliceOn[v]![k]! > 1) return limit;
  g.wanted.panic[v] = 1;
  return LIMIT.panic;
}

// ---- NICs

function nicAction(s: State, i: number, on: boolean): Action {
  return { action: on ? 'enable_nic' : 'disable_nic', nic: s.topology.nics[i]!.name };
}

function setNic(p: Pass, i: number, on: 0 | 1): void {
  p.g.wanted.nicEnabled[i] = on;
  p.g.heldNic[i] = 0;
  p.report.done(nicAction(p.s, i, on === 1), nicKey(i));
}

/** Gives back first, so that a swap never passes through fewer NICs than before. */
function moveNics(p: Pass): void {
  const { s, g } = p;
  const { nicEnabled } = g.wanted;
  const out: number[] = [];
  for (let i = 0; i < nicEnabled.length; i++) {
    if (!isOut(s, i)) {
      g.heldNic[i] = 0;
      if (nicEnabled[i] === 0) setNic(p, i, 1);
    } else if (nicEnabled[i] === 1) out.push(i);
  }
  // A carrier that is gone is certain: it takes what the limits leave before anything that was inferred.
  out.sort(
    (a, b) =>
      Number(s.nics.cause[b] === CAUSE.carrier) - Number(s.nics.cause[a] === CAUSE.carrier) ||
      s.nics.at[a]! - s.nics.at[b]! ||
      a - b,
  );
  for (const i of out) {
    let limit = nicLimit(p, i);
    if (limit !== 0 && s.nics.cause[i] === CAUSE.carrier && swapIn(p)) limit = nicLimit(p, i);
    if (limit === 0) setNic(p, i, 0);
    else hold(p, g.heldNic, i, limit, nicKey(i), () => nicAction(s, i, false));
  }
}

/** A NIC that is held down but looks well is better than one without carrier: it comes back early. */
function swapIn(p: Pass): boolean {
  const { s, g } = p;
  const i = g.wanted.nicEnabled.findIndex((on, k) => on === 0 && s.nics.recoverSince[k]! > 0 && s.nics.carrier[k] !== 0);
  if (i >= 0) setNic(p, i, 1);
  return i >= 0;
}

function nicLimit(p: Pass, i: number): number {
  const { s, g } = p;
  const { nicEnabled } = g.wanted;
  const on = nicEnabled.reduce((x, y) => x + y, 0);
  const hard = s.nics.cause[i] === CAUSE.carrier;
  if (on <= 1) return LIMIT.lastNic;
  if (nicEnabled.length - on + 1 > Math.floor(s.rules.max_nics_fraction * nicEnabled.length)) return LIMIT.halfNics;
  if (p.settling && !hard) return LIMIT.freeze;
  return p.permitted || hard ? 0 : LIMIT.semaphore;
}

function holdNics(p: Pass): void {
  const { s, g } = p;
  for (let i = 0; i < g.heldNic.length; i++) {
    const on = g.wanted.nicEnabled[i] === 1;
    if (on === isOut(s, i)) hold(p, g.heldNic, i, LIMIT.freeze, nicKey(i), () => nicAction(s, i, !on));
    else g.heldNic[i] = 0;
  }
}
