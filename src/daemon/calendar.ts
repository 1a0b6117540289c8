/**
 * Cron expressions as calendars of maintenance: when one named a time last. Looked for minute by minute, a part of the time at
 * once: the judge must not wait for it.
 */
import type { CronCalendar } from '../cluster/roster/maintenance.ts';
import { cron } from '../config/report.ts';

const MINUTE_MS = 60_000;
/** Farther back nothing holds any more, in minutes: maintenance lasts at most 7 days. */
const FARTHEST = 8 * 24 * 60;
/** Minutes that are looked at in one call. */
const AT_ONCE = 500;
const MOST_KNOWN = 100;

interface Known {
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
    entry = { names: namesOf(expression, zone), from: minute + 1, to: minute, found: undefined };
    known.set(key, entry);
  }
  return entry;
}

/** Whether the expression names a minute; none does when it can't be read. */
function namesOf(expression: string, zone: string): (minute: number) => boolean {
  try {
    const task = cron().createTask(expression, () => undefined, { timezone: zone });
    return (minute) => task.match(new Date(minute * MINUTE_MS));
  } catch {
    return () => false;
  }
}

export const calendar: CronCalendar = {
  lastBefore(expression, zone, now) {
    const minute = Math.floor(now / MINUTE_MS);
    const entry = knownOf(expression, zone, minute);
    // A clock that was set: from the beginning.
    if (minute < entry.to || minute - entry.to > AT_ONCE) Object.assign(entry, { from: minute + 1, to: minute, found: undefined });
    for (; entry.to < minute; entry.to++) if (entry.names(entry.to + 1)) entry.found = entry.to + 1;
    for (let k = 0; k < AT_ONCE && entry.found === undefined && entry.from > minute - FARTHEST; k++)
      if (entry.names(--entry.from)) entry.found = entry.from;
    return entry.found === undefined ? undefined : entry.found * MINUTE_MS;
  },
};
