/** Times of translated checks, as fourlane.yaml writes them. */
import type { Timing } from '../config/lvs.ts';

/** What an operator wants instead of the defaults, as written in fourlane.yaml. */
export interface WantedTiming {
  readonly interval?: string | undefined;
  readonly timeout?: string | undefined;
  readonly fall?: number | undefined;
  readonly rise?: number | undefined;
}

/** A check as it would be written in fourlane.yaml. */
export type Profile = Readonly<Record<string, unknown>> & { readonly type: string };

const INTERVAL_MS = 1000;
const SHORTEST_MS = 100;
const LONGEST_MS = 3_600_000;

export const milliseconds = (ms: number) => `${Math.round(ms)}ms`;

/**
 * Times of a check on a connection: fourlane's interval, and the patience that keepalived has as far as that leaves it, since a
 * page that is slow is not down. Retries are `fall` and `rise`.
 */
export function connectionTiming({ connectTimeout }: Timing, wanted: WantedTiming): WantedTiming {
  if (wanted.timeout !== undefined || wanted.interval !== undefined) return wanted;
  const timeout = Math.max(10, Math.min(connectTimeout * 1000, INTERVAL_MS));
  return { interval: milliseconds(INTERVAL_MS), timeout: milliseconds(timeout), ...wanted };
}

/** Times of a script: it costs more than a connection, so it runs as often as keepalived runs it. */
export function scriptTiming({ delayLoop }: Timing, timeoutSeconds: number | undefined, wanted: WantedTiming): WantedTiming {
  const interval = Math.min(Math.max(delayLoop * 1000, SHORTEST_MS), LONGEST_MS);
  const timeout = Math.min((timeoutSeconds || delayLoop) * 1000, interval);
  return { interval: milliseconds(interval), timeout: milliseconds(timeout), ...wanted };
}
