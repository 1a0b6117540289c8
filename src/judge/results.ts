/** Takes probe results, link and data-plane observations into the state: streaks, confirmed states, loss windows. */
import type { Facts, ResultBatch } from '../model/facts.ts';
import { LINK_EVIDENCE, NETDOWN, OK_SLOW, SERVICE_EVIDENCE } from '../model/outcome.ts';
import { BAD, bucketAt, BUCKETS, GOOD, roundTrip, type State, UNKNOWN, V } from './memory.ts';

const MAX_STREAK = 30_000;
const SAMPLE_MS = 1000;

/** Takes in everything observed since the last pass. Results of cells the topology does not have are passed over. */
export function take(s: State, facts: Facts, now: number): void {
  for (const { nic, carrier, t } of facts.links) {
    if (nic < 0 || nic >= s.topology.nics.length || s.nics.carrier[nic] === carrier) continue;
    s.nics.carrier[nic] = carrier;
    s.nics.carrierT[nic] = Math.min(t, now);
  }
  for (const f of facts.dataplane) {
    const samples = s.nics.dataplane[f.nic];
    if (samples === undefined) continue;
    const last = samples.at(-1);
    if (last !== undefined && f.t - last.t < SAMPLE_MS) samples.pop();
    samples.push({ t: Math.min(f.t, now), rx: f.rxPps, tx: f.txPps, ratio: f.synEstablishedRatio });
    while (samples[0]!.t < now - s.rules.dataplane_memory_ms) samples.shift();
  }
  takeResults(s, facts.results, now);
}

function takeResults(s: State, b: ResultBatch, now: number): void {
  const n = s.topology.nics.length;
  const m = s.topology.realServers.length;
  for (let k = 0; k < b.count; k++) {
    const i = b.nic[k]!;
    const target = b.target[k]!;
    if (i < 0 || i >= n) continue;
    const t = Math.min(b.t[k]!, now);
    if (target < 0) takeAnchor(s, i, -target - 1, b.outcome[k]!, t);
    else if (target < m) takeCell(s, b, k, i, target, t);
  }
}

/** The streak after one more result; a gap in the evidence starts it anew. */
function extend(streak: number, good: boolean, gap: boolean): number {
  if (gap) return good ? 1 : -1;
  if (good) return streak > 0 ? Math.min(streak + 1, MAX_STREAK) : 1;
  return streak < 0 ? Math.max(streak - 1, -MAX_STREAK) : -1;
}

/** The confirmed state after a streak. What was never known is good at the first good result. */
function confirm(state: number, streak: number, fall: number, rise: number): number {
  if (streak > 0) return state === UNKNOWN || streak >= rise ? GOOD : state;
  return -streak >= fall ? BAD : state;
}

/** After a restart the time without an agent must not break the streaks. */
function patience(s: State, t: number): number {
  return t < s.agent.excusedUntil ? 2 : 1;
}

function takeCell(s: State, b: ResultBatch, k: number, i: number, j: number, t: number): void {
  const { cells, nics, servers } = s;
  const c = i * s.topology.realServers.length + j;
  if (t < cells.t[c]!) return;
  const outcome = b.outcome[k]!;
  cells.outcome[c] = outcome;
  cells.phase[c] = b.phase[k]!;
  cells.cause[c] = b.cause[k]!;
  cells.detail[c] = b.detail[k]!;
  cells.rttUs[c] = b.rttUs[k]!;
  cells.elapsedUs[c] = b.elapsedUs[k]!;
  cells.t[c] = t;
  const limit = servers.limit[j]! * patience(s, t);
  const fall = s.adaptedFall[j]!;
  const link = LINK_EVIDENCE[outcome] ?? 0;
  if (link !== 0) {
    const good = link > 0;
    if (outcome !== NETDOWN) nics.netdownFirst[i] = 0;
    else {
      nics.netdownLast[i] = t;
      if (nics.netdownFirst[i] === 0) nics.netdownFirst[i] = t;
    }
    countLoss(s, c, !good || outcome === OK_SLOW);
    if (good) {
      if (nics.verdict[i] === V.OK && nics.lossyHint[i] === 0 && servers.verdict[j] === V.OK) {
        const isolated = cells.linkStreak[c]! < 0 && cells.link[c] === GOOD ? -cells.linkStreak[c]! : 0;
        s.baseline.n += 1 + isolated;
        s.baseline.lost += isolated + (outcome === OK_SLOW ? 1 : 0);
      }
      cells.linkGoodT[c] = t;
      cells.goodOutcome[c] = outcome;
      nics.everGood[i] = 1;
    }
    cells.linkStreak[c] = extend(cells.linkStreak[c]!, good, t - cells.linkT[c]! > limit);
    cells.linkT[c] = t;
    cells.link[c] = confirm(cells.link[c]!, cells.linkStreak[c]!, fall, servers.rise[j]!);
  }
  const service = SERVICE_EVIDENCE[outcome] ?? 0;
  if (service !== 0) {
    if (service > 0) cells.serviceGoodT[c] = t;
    cells.serviceStreak[c] = extend(cells.serviceStreak[c]!, service > 0, t - cells.serviceT[c]! > limit);
    cells.serviceT[c] = t;
    cells.service[c] = confirm(cells.service[c]!, cells.serviceStreak[c]!, fall, servers.rise[j]!);
  }
}

function takeAnchor(s: State, i: number, a: number, outcome: number, t: number): void {
  const { anchors, topology } = s;
  const k = anchors.start[i]! + a;
  if (k >= anchors.start[i + 1]! || t < anchors.t[k]!) return;
  anchors.t[k] = t;
  anchors.outcome[k] = outcome;
  const link = LINK_EVIDENCE[outcome] ?? 0;
  if (link === 0) return;
  const gap = t - anchors.linkT[k]! > (roundTrip(s) + s.rules.stale_rounds * topology.intervalMs) * patience(s, t);
  anchors.streak[k] = extend(anchors.streak[k]!, link > 0, gap);
  anchors.linkT[k] = t;
  anchors.link[k] = confirm(anchors.link[k]!, anchors.streak[k]!, topology.fall, topology.rise);
}

function countLoss(s: State, c: number, lost: boolean): void {
  const { cells } = s;
  const at = (s.clock.bucket % BUCKETS) * cells.link.length + c;
  if (cells.bucketN[at] === 255) return;
  cells.bucketN[at]! += 1;
  cells.windowN[c]! += 1;
  const mark = lost ? 2 : 1;
  if (lost) {
    cells.bucketLost[at]! += 1;
    cells.windowLost[c]! += 1;
  }
  if (cells.lastLoss[c] !== 0 && cells.lastLoss[c] !== mark) {
    cells.bucketFlips[at]! += 1;
    cells.windowFlips[c]! += 1;
  }
  cells.lastLoss[c] = mark;
}

/** Moves the loss window to `now`: what is older than the window leaves the sums. With each new bucket the baseline is reckoned anew. */
export function turnWindow(s: State, now: number): void {
  const { cells, clock } = s;
  const bucket = bucketAt(s.topology.intervalMs, s.rules.lossy_window_rounds, now);
  const turns = Math.min(bucket - clock.bucket, BUCKETS);
  if (turns <= 0) return;
  const n = cells.link.length;
  for (let k = 1; k <= turns; k++) {
    const base = ((bucket - turns + k) % BUCKETS) * n;
    for (let c = 0; c < n; c++) {
      const at = base + c;
      if (cells.bucketN[at] === 0) continue;
      cells.windowN[c]! -= cells.bucketN[at]!;
      cells.bucketN[at] = 0;
      if (cells.bucketLost[at] === 0 && cells.bucketFlips[at] === 0) continue;
      cells.windowLost[c]! -= cells.bucketLost[at]!;
      cells.windowFlips[c]! -= cells.bucketFlips[at]!;
      cells.bucketLost[at] = 0;
      cells.bucketFlips[at] = 0;
    }
  }
  clock.bucket = bucket;
  adaptFall(s, now - clock.turnedAt);
  clock.turnedAt = now;
}

/** Losses the baseline is taken to know of before it has seen anything. */
const PRIOR_RESULTS = 1000;
const DAY_MS = 86_400_000;

/**
 * Adaptive fall: the least number of bad results in a row that baseline loss alone makes less than once a day in all cells together;
 * never below a target's own `fall`, nor above `fall_adaptive_max` because of this.
 */
function adaptFall(s: State, elapsedMs: number): void {
  const { baseline, rules, servers } = s;
  const fade = Math.exp(-elapsedMs / rules.baseline_memory_ms);
  baseline.n *= fade;
  baseline.lost *= fade;
  const p = baseline.lost / (baseline.n + PRIOR_RESULTS);
  const chances = (s.cells.link.length * DAY_MS) / s.topology.intervalMs;
  const needed = p > 0 ? Math.ceil(Math.log(1 / Math.max(chances, 1)) / Math.log(p)) : 1;
  const fall = Math.min(needed, rules.fall_adaptive_max);
  if (fall === baseline.fall) return;
  baseline.fall = fall;
  for (let j = 0; j < servers.fall.length; j++) s.adaptedFall[j] = Math.max(servers.fall[j]!, fall);
}
