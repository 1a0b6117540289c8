/** Numbers as the text formats want them, written as bytes. */

/** Integers at or above this are not exact as doubles. */
export const EXACT = 2 ** 53;

/** Digits of an integer 0 ≤ v < 2^53. */
export function digits(v: number): number {
  if (v < 1e5) return v < 100 ? (v < 10 ? 1 : 2) : v < 1e3 ? 3 : v < 1e4 ? 4 : 5;
  let count = 6;
  for (let limit = 1e6; v >= limit; limit *= 10) count++;
  return count;
}

/** Writes an integer 0 ≤ v < 2^53 of `width` digits at `at`. */
export function writeInteger(out: Uint8Array, at: number, v: number, width: number): void {
  let end = at + width;
  let rest = v;
  // Doubles only above 31 bits: integer division is several times faster.
  while (rest > 0x7fffffff) {
    const q = Math.floor(rest / 10);
    out[--end] = 48 + (rest - q * 10);
    rest = q;
  }
  let small = rest | 0;
  while (end > at) {
    const q = (small / 10) | 0;
    out[--end] = 48 + (small - q * 10);
    small = q;
  }
}

/** Any sample value but NaN as text. */
export function formatNumber(v: number | bigint): string {
  if (v === Infinity) return '+Inf';
  if (v === -Infinity) return '-Inf';
  // Not String(v): V8 keeps the text of fractions in a cache, which grew the heap by tens of MB over a thousand scrapes.
  return typeof v === 'bigint' ? String(v) : JSON.stringify(v);
}

/** An upper bound of a bucket: OpenMetrics wants `1.0`, and one spelling in both formats keeps it the same series. */
export function formatBound(v: number): string {
  return Number.isInteger(v) && Math.abs(v) < 1e21 ? `${v}.0` : formatNumber(v);
}
