/** Work that stays the same whatever becomes of fourlane: what a row's time is compared with, in the same run. */

/** Percentile of numbers. @param q 0 to 1 */
export function percentile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/**
 * One plain pass over as many cells as the judge has: of each, eight columns of typed arrays are read, compared and added. What
 * is compared cannot be foreseen by the processor, as little as faults can.
 * @returns the pass; its result depends on every read, so that none is left out
 */
export function plainPass(cells: number): () => number {
  let seed = 7;
  const next = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % 8191;
  const fill = <T extends { [i: number]: number; readonly length: number }>(column: T): T => {
    for (let c = 0; c < column.length; c++) column[c] = next() % 101;
    return column;
  };
  const verdicts = fill(new Uint8Array(cells));
  const causes = fill(new Uint8Array(cells));
  const streaks = fill(new Int16Array(cells));
  const counts = fill(new Int32Array(cells));
  const since = fill(new Float64Array(cells));
  const at = fill(new Float64Array(cells));
  const rtt = fill(new Float64Array(cells));
  const sum = fill(new Float64Array(cells));
  return () => {
    let found = 0;
    let total = 0;
    for (let c = 0; c < cells; c++) {
      if (verdicts[c]! > 50) found++;
      if (causes[c]! > 50) found++;
      if (streaks[c]! > 50) found++;
      if (counts[c]! > 50) found++;
      if (since[c]! > 50) total += since[c]!;
      if (at[c]! > 50) total += at[c]!;
      if (rtt[c]! > 50) total += rtt[c]!;
      if (sum[c]! > 50) total += sum[c]!;
    }
    return found + total;
  };
}

/** Runs work some times. @returns ms of each run */
export function timesOf(work: () => unknown, rounds: number): number[] {
  return Array.from({ length: rounds }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
}

/** CPU of this process while work runs, user and system, ms. */
export async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * A quantile of a histogram, linear within its bucket, as Prometheus has it.
 * @param buckets counts, one for each bound and one above the last  @param q 0 to 1
 * @returns in the unit of the bounds; Infinity above the last bound, NaN of nothing
 */
export function quantileIn(buckets: readonly number[], bounds: readonly number[], q: number): number {
  const total = buckets.reduce((a, b) => a + b, 0);
  if (total === 0) return NaN;
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    const lower = bounds[i - 1] ?? 0;
    const count = buckets[i]!;
    if (count > 0 && below + count >= q * total) return lower + ((bound - lower) * (q * total - below)) / count;
    below += count;
  }
  return Infinity;
}
