/** Samples of data planes as a list of numbers, for state files and recorded logs. */
import type { DataplaneSample } from './memory.ts';

/** Numbers of one sample; a list begins with it, negative. Lists of before 2026-12 begin with a time, and have four. */
const WIDTH = 6;
const OLD_WIDTH = 4;

/** @param timeOf how a time is written */
export function packSamples(samples: readonly DataplaneSample[], timeOf: (t: number) => number): number[] {
  if (samples.length === 0) return [];
  return [-WIDTH, ...samples.flatMap(({ t, rx, tx, ratio, over, onRequest }) => [timeOf(t), rx, tx, ratio, over, onRequest])];
}

/** @param timeOf the time that was written. Half a sample at the end is left out. */
export function unpackSamples(values: readonly number[], timeOf: (written: number) => number): DataplaneSample[] {
  const marked = values.length > 0 && values[0] === -WIDTH;
  const [from, width] = marked ? [1, WIDTH] : [0, OLD_WIDTH];
  const samples: DataplaneSample[] = [];
  for (let at = from; at + width <= values.length; at += width) {
    const [t, rx, tx, ratio, over = 0, onRequest = 0] = values.slice(at, at + width);
    samples.push({ t: timeOf(t!), rx: rx!, tx: tx!, ratio: ratio!, over, onRequest: onRequest === 1 ? 1 : 0 });
  }
  return samples;
}
