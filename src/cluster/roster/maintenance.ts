/** Planned absences: what holds now. A server in maintenance keeps judging, applies nothing, and pages nobody. */
import type { Maintenance } from '../values.ts';

/** Cron expressions with a zone, as somebody else reads them. */
export interface CronCalendar {
  /** The last time at or before `now` that the expression names, ms since 1970; undefined = none within the last 8 days. */
  lastBefore(cron: string, zone: string, now: number): number | undefined;
}

export interface ActiveMaintenance extends Maintenance {
  readonly id: string;
  /** When it ends as far as is known, ms since 1970; left out = when a person ends it. */
  readonly endsAt?: number;
}

/** When the present time of an entry ends; undefined = it does not hold now. */
function endOf(entry: Maintenance, now: number, calendar: CronCalendar): number | undefined {
  const until = entry.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(entry.until);
  if (now >= until || now < Date.parse(entry.at)) return undefined;
  if (entry.calendar === undefined) return until;
  const { cron, zone, forMs } = entry.calendar;
  const begin = calendar.lastBefore(cron, zone, now);
  return begin === undefined || now - begin >= forMs ? undefined : Math.min(begin + forMs, until);
}

/** The entries that hold at `now` (ms since 1970), in the order of their ids. */
export function activeAt(
  entries: ReadonlyMap<string, Maintenance>,
  now: number,
  calendar: CronCalendar,
): readonly ActiveMaintenance[] {
  return [...entries]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, entry]): ActiveMaintenance[] => {
      const endsAt = endOf(entry, now, calendar);
      if (endsAt === undefined) return [];
      return [{ ...entry, id, ...(Number.isFinite(endsAt) ? { endsAt } : {}) }];
    });
}

/** What is in maintenance, by kind of subject. */
export interface Excused {
  /** Whole servers, with who and why. */
  readonly servers: ReadonlyMap<string, ActiveMaintenance>;
  /** NICs by server. */
  readonly nics: ReadonlyMap<string, ReadonlyMap<string, ActiveMaintenance>>;
  readonly realServers: ReadonlyMap<string, ActiveMaintenance>;
}

/** Sorts what holds by its subjects; of two about one subject the first counts. */
export function excusedBy(active: readonly ActiveMaintenance[]): Excused {
  const servers = new Map<string, ActiveMaintenance>();
  const nics = new Map<string, Map<string, ActiveMaintenance>>();
  const realServers = new Map<string, ActiveMaintenance>();
  const first = (map: Map<string, ActiveMaintenance>, key: string, entry: ActiveMaintenance) => {
    if (!map.has(key)) map.set(key, entry);
  };
  for (const entry of active) {
    const { subject } = entry;
    if ('realServer' in subject) first(realServers, subject.realServer, entry);
    else if (subject.nic === undefined) first(servers, subject.server, entry);
    else {
      const own = nics.get(subject.server) ?? new Map<string, ActiveMaintenance>();
      nics.set(subject.server, own);
      first(own, subject.nic, entry);
    }
  }
  return { servers, nics, realServers };
}

/** `in maintenance by ops until 2026-11-28T12:00:00.000Z: new disks (m1)`. */
export function maintenanceText({ by, why, id, endsAt }: ActiveMaintenance): string {
  const until = endsAt === undefined ? '' : ` until ${new Date(endsAt).toISOString()}`;
  return `in maintenance by ${by}${until}: ${why} (${id})`;
}
