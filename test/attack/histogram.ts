/** Histograms of an exposition, without labels. */

/** Count by upper bound. */
export type Histogram = ReadonlyMap<number, number>;

export function histogram(text: string, name: string): Histogram {
  const lines = text.matchAll(new RegExp(`^${name}_bucket\\{(?:.*,)?le="([^"]+)"\\} (\\d+)$`, 'gm'));
  return new Map([...lines].map(([, le, n]) => [le === '+Inf' ? Infinity : Number(le), Number(n)]));
}

/** What came in between. */
export function grown(before: Histogram, after: Histogram): Histogram {
  return new Map([...after].map(([le, n]) => [le, n - (before.get(le) ?? 0)]));
}

/** Upper bound of the bucket in which the quantile lies; NaN when nothing was counted. */
export function quantile(of: Histogram, q: number): number {
  const total = of.get(Infinity) ?? 0;
  if (total === 0) return Number.NaN;
  for (const [le, n] of of) if (n >= q * total) return le;
  return Infinity;
}
