/** Whether this load balancer, and not its real servers, is cut off: what `onIsolated` follows. Pure. */
import { pauseAfter } from '../model/backoff.ts';
import type { Rules } from '../model/rules.ts';
import type { Wanted } from '../model/verdict.ts';
import { CUT_OFF } from '../model/verdicts.ts';

/** What is remembered from pass to pass; times are ms of the clock. */
export interface Isolation {
  /** What `onIsolated` is to be. */
  readonly failed: boolean;
  /** Isolated as far as is known: also while stalled after that. */
  readonly isolated: boolean;
  /** When each isolation of the last while began, oldest first. */
  readonly onsets: readonly number[];
  readonly isolatedAt: number;
  /** When it was last isolated, or stalled after that: the hold counts from here. */
  readonly doubtedAt: number;
}

/** How long it holds, as for a NIC (R13). */
export type Holding = Pick<Rules, 'nic_hold_down_ms' | 'nic_hold_down_max_ms' | 'flap_window_ms'>;

export const CONNECTED: Isolation = { failed: false, isolated: false, onsets: [], isolatedAt: 0, doubtedAt: 0 };

/** As after a restart that finds `failed` in place: held as if it had been isolated until now. */
export function restoredIsolation(now: number): Isolation {
  return { failed: true, isolated: false, onsets: [now], isolatedAt: now, doubtedAt: now };
}

/**
 * The state after a pass. Only the verdict CUT_OFF begins it. A stall proves nothing either way: it neither begins nor ends it,
 * for at most the longest hold. Dead real servers behind links or anchors that answer are no isolation, and end one like a
 * recovery.
 */
export function isolationAfter(before: Isolation, frozen: Wanted['frozen'], now: number, holding: Holding): Isolation {
  const { nic_hold_down_ms: least, nic_hold_down_max_ms: most, flap_window_ms: memory } = holding;
  if (frozen === CUT_OFF) {
    const kept = before.onsets.filter((t) => t > now - memory);
    const onsets = before.isolated && kept.length > 0 ? kept : [...kept, now];
    return { failed: true, isolated: true, onsets, isolatedAt: now, doubtedAt: now };
  }
  if (!before.failed) return before;
  if (frozen === 'AGENT_STALLED' && before.isolated && now - before.isolatedAt < most) return { ...before, doubtedAt: now };
  const hold = pauseAfter(before.onsets.length, least, most);
  return { ...before, isolated: false, failed: now - before.doubtedAt < hold };
}
