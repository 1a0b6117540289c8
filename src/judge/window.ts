/** The loss window of each cell (R4b), and the baseline loss with the adaptive fall that follows from it (R1). */
import { BUCKETS } from './columns.ts';
import { bucketAt, type State } from './memory.ts';

/** Most results a bucket counts: it is a byte. */
const FULL = 255;

/** Counts one result as kept or lost. */
export function countLoss({ cells, clock }: State, cell: number, lost: boolean): void {
  const at = (clock.bucket % BUCKETS) * cells.link.length + cell;
  if (cells.bucketResults[at] === FULL) return;
  cells.bucketResults[at]! += 1;
  cells.windowResults[cell]! += 1;
  const mark = lost ? 2 : 1;
  if (lost) {
    cells.bucketLost[at]! += 1;
    cells.windowLost[cell]! += 1;
  }
  if (cells.lastLoss[cell] !== 0 && cells.lastLoss[cell] !== mark) {
    cells.bucketFlips[at]! += 1;
    cells.windowFlips[cell]! += 1;
  }
  cells.lastLoss[cell] = mark;
}

/**
 * Moves the loss window to `now`: what is older than the window leaves the sums. With each new bucket the baseline is reckoned
 * again.
 */
export function turnWindow(state: State, now: number): void {
  const { clock, topology, rules } = state;
  const bucket = bucketAt(topology.intervalMs, rules.lossy_window_rounds, now);
  const turns = Math.min(bucket - clock.bucket, BUCKETS);
  if (turns <= 0) return;
  for (let turn = 1; turn <= turns; turn++) clearBucket(state, (bucket - turns + turn) % BUCKETS);
  clock.bucket = bucket;
  adaptFall(state, now - clock.turnedAt);
  clock.turnedAt = now;
}

function clearBucket({ cells }: State, bucket: number): void {
  const { bucketResults, bucketLost, bucketFlips, windowResults, windowLost, windowFlips } = cells;
  const size = windowResults.length;
  for (let cell = 0, at = bucket * size; cell < size; cell++, at++) {
    if (bucketResults[at] === 0) continue;
    windowResults[cell]! -= bucketResults[at]!;
    bucketResults[at] = 0;
    if (bucketLost[at] === 0 && bucketFlips[at] === 0) continue;
    windowLost[cell]! -= bucketLost[at]!;
    windowFlips[cell]! -= bucketFlips[at]!;
    bucketLost[at] = 0;
    bucketFlips[at] = 0;
  }
}

/** Results the baseline is taken to know of before it has seen anything. */
const PRIOR_RESULTS = 1000;
const DAY_MS = 86_400_000;

/**
 * Adaptive fall: the least number of bad results in a row that baseline loss alone makes less than once a day in all cells
 * together; never below a target's own `fall`, nor above `fall_adaptive_max` because of this.
 */
function adaptFall({ baseline, rules, servers, cells, topology, adaptedFall }: State, elapsedMs: number): void {
  const fade = Math.exp(-elapsedMs / rules.baseline_memory_ms);
  baseline.results *= fade;
  baseline.lost *= fade;
  const loss = baseline.lost / (baseline.results + PRIOR_RESULTS);
  const chances = (cells.link.length * DAY_MS) / topology.intervalMs;
  const needed = loss > 0 ? Math.ceil(Math.log(1 / Math.max(chances, 1)) / Math.log(loss)) : 1;
  const fall = Math.min(needed, rules.fall_adaptive_max);
  if (fall === baseline.fall) return;
  baseline.fall = fall;
  for (let server = 0; server < servers.fall.length; server++) {
    adaptedFall[server] = Math.max(servers.fall[server]!, fall);
  }
}
