/** Cron expressions with a zone, by node-cron, which is loaded when a maintenance has a calendar: most have none. */
import { createRequire } from 'node:module';
import type * as Cron from 'node-cron';
import type { CronCalendar } from './maintenance.ts';

const MINUTE_MS = 60_000;
const MOST_MINUTES = 8 * 24 * 60;
const FIELDS = 5;

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

interface Looked {
  readonly matches: (minute: number) => boolean;
  /** The minute that was asked for last, and the answer. */
  minute: number;
  last: number | undefined;
}

/** Looks back minute by minute, and no further than it did the last time. What is no calendar never begins. */
export function cronCalendar(): CronCalendar {
  const looked = new Map<string, Looked>();
  return {
    lastBefore: (expression, zone, now) => {
      const key = `${expression}\n${zone}`;
      const known = looked.get(key) ?? { matches: matcher(expression, zone), minute: -1, last: undefined };
      looked.set(key, known);
      const minute = Math.floor(now / MINUTE_MS);
      const first = known.minute >= 0 && known.minute <= minute ? known.minute + 1 : minute - MOST_MINUTES;
      if (known.minute > minute) known.last = undefined;
      for (let at = minute; at >= Math.max(first, minute - MOST_MINUTES); at--) {
        if (!known.matches(at)) continue;
        known.last = at * MINUTE_MS;
        break;
      }
      known.minute = minute;
      return known.last;
    },
  };
}

/** Zones differ from each other by multiples of this, in minutes. */
const ZONE_STEP = 15;

/** A zone costs 0.1 ms for each minute that is asked for: most are ruled out by the hand of the clock alone. */
function matcher(expression: string, timezone: string): (minute: number) => boolean {
  if (calendarProblem(expression, timezone) !== undefined) return () => false;
  const task = cron().createTask(expression, () => undefined, { timezone });
  const hands = new Set(
    cron()
      .parse(expression)
      .minute.map((minute) => minute % ZONE_STEP),
  );
  return (minute) => hands.has(minute % ZONE_STEP) && task.match(new Date(minute * MINUTE_MS));
}
