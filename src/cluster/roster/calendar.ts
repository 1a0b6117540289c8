/**
 * Cron expressions with a zone as calendars of maintenance: when one named a time last. node-cron is loaded when a maintenance
 * has a calendar: most have none.
 */
import { createRequire } from 'node:module';
import type * as Cron from 'node-cron';
import type { CronCalendar } from './maintenance.ts';

const MINUTE_MS = 60_000;
/** Farther back nothing holds any more, in minutes: maintenance lasts at most 7 days. */
const FARTHEST = 8 * 24 * 60;
/** Zones differ from each other by multiples of this, in minutes. */
const ZONE_STEP = 15;
const FIELDS = 5;
const MOST_KNOWN = 100;

function cron(): typeof Cron {
  return createRequire(import.meta.url)('node-cron') as typeof Cron;
}

/** Why a calendar can't be read; undefined = it can. */
export function calendarProblem(expression: string, zone: string): string | undefined {
  const fields = expression.trim().split(/\s+/).length;
  if (fields !== FIELDS || !cron().validate(expression))
    return `"${expression}" is no schedule; write minute, hour, day of the month, month, day of the week, such as "0 2 * * 0"`;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone }).format(0);
    return undefined;
  } catch {
    return `"${zone}" is no time zone; write one such as "Europe/Berlin" or "UTC"`;
  }
}

interface Known {
  /** Whether the expression may name a minute, by the hand of the clock alone: asking costs up to 0.1 ms with a zone. */
  readonly may: (minute: number) => boolean;
  readonly names: (minute: number) => boolean;
  /** Minutes since 1970 that have been looked at: all of them from `from` to `to`. */
  from: number;
  to: number;
  found: number | undefined;
}

/** An expression that can't be read names nothing. */
function readersOf(expression: string, timezone: string): Pick<Known, 'may' | 'names'> {
  if (calendarProblem(expression, timezone) !== undefined) return { may: () => false, names: () => false };
  const task = cron().createTask(expression, () => undefined, { timezone });
  const hands = new Set(
    cron()
      .parse(expression)
      .minute.map((minute) => minute % ZONE_STEP),
  );
  return { may: (minute) => hands.has(minute % ZONE_STEP), names: (minute) => task.match(new Date(minute * MINUTE_MS)) };
}

const isNamed = ({ may, names }: Known, minute: number) => may(minute) && names(minute);

/**
 * Looks back minute by minute, and never twice at the same one.
 * @param atOnce most minutes asked for in one call, where nobody may be kept waiting; the next call goes on
 */
export function cronCalendar(atOnce = FARTHEST): CronCalendar {
  const all = new Map<string, Known>();
  const knownOf = (expression: string, zone: string, minute: number): Known => {
    const key = `${expression}\n${zone}`;
    let entry = all.get(key);
    if (entry === undefined) {
      if (all.size >= MOST_KNOWN) all.clear();
      entry = { ...readersOf(expression, zone), from: minute + 1, to: minute, found: undefined };
      all.set(key, entry);
    }
    return entry;
  };
  return {
    lastBefore(expression, zone, now) {
      const minute = Math.floor(now / MINUTE_MS);
      const entry = knownOf(expression, zone, minute);
      // A clock that was set: from the beginning.
      if (minute < entry.to || minute - entry.to > atOnce)
        Object.assign(entry, { from: minute + 1, to: minute, found: undefined });
      for (; entry.to < minute; entry.to++) if (isNamed(entry, entry.to + 1)) entry.found = entry.to + 1;
      for (let asked = 0; asked < atOnce && entry.found === undefined && entry.from > minute - FARTHEST; ) {
        if (!entry.may(--entry.from)) continue;
        asked++;
        if (entry.names(entry.from)) entry.found = entry.from;
      }
      const { found } = entry;
      return found === undefined || found <= minute - FARTHEST ? undefined : found * MINUTE_MS;
    },
  };
}
