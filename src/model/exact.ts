/** Unsigned 64-bit counters of other programs, exact in every size: a number while it is safe, a bigint above 2^53. */

export type Exact = number | bigint;

/** The smaller of the two forms. */
export function exact(value: bigint): Exact {
  return value <= 9007199254740991n && value >= -9007199254740991n ? Number(value) : value;
}

/** Decimal digits → value; undefined when the text is anything else. */
export function parseExact(text: string): Exact | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  return text.length < 16 ? Number(text) : exact(BigInt(text));
}

/** a + b; fractions are added as such. */
export function plus(a: Exact, b: Exact): Exact {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Math.abs(sum) <= Number.MAX_SAFE_INTEGER) return sum;
  }
  return exact(BigInt(a) + BigInt(b));
}

/** a - b. */
export function minus(a: Exact, b: Exact): Exact {
  return typeof a === 'number' && typeof b === 'number' ? a - b : exact(BigInt(a) - BigInt(b));
}
