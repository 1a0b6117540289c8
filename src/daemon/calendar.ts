/**
 * Cron expressions as calendars of maintenance: when one named a time last. Looked for minute by minute, a part of the time at
 * once: the judge must not wait for it.
 */
import type { CronCalendar } from '../cluster/roster/maintenance.ts';
import { cron } from '../config/report.ts';

const MINUTE_MS = 60_000;
/** Farther back nothing holds any more, in minutes: maintenance lasts at most 7 days. */
const FARTHEST = 8 * 24 * 60;
/** Minutes that are asked for in one call: one costs up to 0.1 ms. */
const AT_ONCE = 50;
/** Zones differ from each other by multiples of this, in minutes. */
const ZONE_STEP = 15;
const MOST_KNOWN = 100;

interface Known {
  /** Whether the expression may name a minute, by its hand of the clock alone. */
  readonly may: (minute: number) => boolean;
  readonly names: (minute: number) => boolean;
  /** Minutes since 1970 that have been looked at: all of them from `from` to `to`. */
  from: number;
  to: number;
  found: number | undefined;
}

const known = new Map<string, Known>();

function knownOf(expression: string, zone: string, minute: number): Known {
  const key = `${expression}\n${zone}`;
  let entry = known.get(key);
  if (entry === undefined) {
    if (known.size >= MOST_KNOWN) known.clear();
    entry = { ...readersOf(expression, zone), from: minute + 1, to: minute, found: undefined };
    known.set(key, entry);
  }
  return entry;
}

/** An expression that can't be read names nothing. */
function readersOf(expression: string, zone: string): Pick<Known, 'may' | 'names'> {
  try {
    const task = cron().createTask(expression, () => undefined, { timezone: zone });
    task.match(new Date(0)); // throws for a zone that there is not
    const hands = new Set(
      cron()
        .parse(expression)
        .minute.map((minute) => minute % ZONE_STEP),
    );
    return { may: (minute) => hands.has(minute % ZONE_STEP), names: (minute) => task.match(new Date(minute * MINUTE_MS)) };
  } catch {
    return { may: () => false, names: () => false };
  }
}

export const calendar: CronCalendar = {
  lastBefore(expression, zone, now) {
    const minute = Math.floor(now / MINUTE_MS);
    const entry = knownOf(expression, zone, minute);
    // A clock that was set: from the beginning.
    if (minute < entry.to || minute - entry.to > AT_ONCE)
      Object.assign(entry, { from: minute + 1, to: minute, found: undefined });
    for (; entry.to < minute; entry.to++) if (isNamed(entry, entry.to + 1)) entry.found = entry.to + 1;
    for (let k = 0; k < AT_ONCE && entry.found === undefined && entry.from > minute - FARTHEST; ) {
      if (!entry.may(--entry.from)) continue;
      k++;
      if (entry.names(entry.from)) entry.found = entry.from;
    }
    return entry.found === undefined ? undefined : entry.found * MINUTE_MS;
  },
};

const isNamed = ({ may, names }: Known, minute: number) => may(minute) && names(minute);
