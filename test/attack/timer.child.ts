/**
 * A program that wakes each 100 ms, as the judge does, and does nothing else: how late anybody is on this machine. When its
 * standard input ends it prints the p99 of the time from one wake to the next, in seconds.
 */
const gaps: number[] = [];
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  gaps.push((now - last) / 1000);
  last = now;
}, 100);
process.stdin.resume().once('end', () => {
  console.log(gaps.toSorted((a, b) => a - b)[Math.ceil(0.99 * gaps.length) - 1] ?? Number.NaN);
  process.exit();
});
