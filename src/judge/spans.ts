/** Copies of columns from an old order to a new one, a stretch at a time: a reload moves few real servers. Pure. */
import type { Numbers } from './columns.ts';

/** `length` indices from `from` on that are `to` … in the new order; and the indices among them that stand for nothing old. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly length: number;
  readonly fresh: readonly number[];
}

/**
 * Stretches of the new order that lie as far apart in the old one.
 * @param where the new index of each old one; below 0 = gone. No two are the same.
 * @param size how many new ones there are
 */
export function spansOf(where: readonly number[], size: number): readonly Span[] {
  const source = new Int32Array(size).fill(-1);
  for (let index = 0; index < where.length; index++) if (where[index]! >= 0) source[where[index]!] = index;
  const spans: { from: number; to: number; length: number; fresh: number[] }[] = [];
  let last: (typeof spans)[number] | undefined;
  let skipped: number[] = [];
  for (let to = 0; to < size; to++) {
    const from = source[to]!;
    if (from < 0) {
      skipped.push(to);
      continue;
    }
    if (last !== undefined && from - last.from === to - last.to) {
      last.length = to - last.to + 1;
      for (const index of skipped) last.fresh.push(index);
    } else spans.push((last = { from, to, length: 1, fresh: [] }));
    skipped = [];
  }
  return spans;
}

/** Copies spans of a column. What is new keeps its value. `fromBase`, `toBase`: where the columns begin in the arrays. */
export function copySpans(source: Numbers, target: Numbers, spans: readonly Span[], fromBase = 0, toBase = 0): void {
  for (const { from, to, length, fresh } of spans) {
    const first = fresh.map((index) => target[toBase + index]!);
    target.set(source.subarray(fromBase + from, fromBase + from + length), toBase + to);
    for (let k = 0; k < fresh.length; k++) target[toBase + fresh[k]!] = first[k]!;
  }
}
