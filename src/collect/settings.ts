/** A collector's block in the config: its own schema with the cadence that all have. */
import { duration } from '../model/schema.ts';
import type { Collector } from './collector.ts';

const text = (ms: number) => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

/** The whole block. */
export function blockSchema({ schema, summary, interval, timeout, staleAfter }: Collector) {
  return schema
    .safeExtend({
      interval: duration(200, 3_600_000).prefault(text(interval)).describe('time between two readings'),
      timeout: duration(50, 60_000).prefault(text(timeout)).describe('longest time one reading may take'),
      staleAfter: duration(200, 86_400_000)
        .prefault(text(staleAfter))
        .describe('how long the last good values are shown while readings fail'),
    })
    .describe(summary);
}
