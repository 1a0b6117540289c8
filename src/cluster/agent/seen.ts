/**
 * What the keys that a server mirrors mean for it, all at once: which pointer is its own, what is poison, and what holds it.
 * Values are what others wrote; one that is no good is named and changes nothing.
 */
import { keyOf, parseKey, type ValueOf } from '../keys.ts';
import type { Items } from '../mirror/table.ts';
import { activeAt, type CronCalendar, excusedBy, maintenanceText } from '../roster/maintenance.ts';
import { readValue } from '../value-codec.ts';
import type { Target } from '../values.ts';

/** Keys and values of the ranges of `watchedBy`, by their names. */
export type Mirrored = (range: 'target' | 'poison' | 'roster' | 'maintenance') => Items;

export interface Seen {
  /** undefined = the server is not in the roster. */
  readonly ring: string | undefined;
  /** What the ring must run; undefined = nothing was released to it. */
  readonly pointer: { readonly seen: number; readonly target: Target } | undefined;
  readonly poison: ReadonlyMap<string, string>;
  /** Why this server applies nothing now; undefined = it does. */
  readonly held: string | undefined;
  /** Values that can't be read. */
  readonly problems: readonly string[];
}

export interface LookParts {
  readonly prefix: string;
  readonly server: string;
  readonly mirrored: Mirrored;
  readonly calendar: CronCalendar;
  /** ms since 1970. */
  readonly wall: number;
}

export function look({ prefix, server, mirrored, calendar, wall }: LookParts): Seen {
  const problems: string[] = [];
  const read = <T>(make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const own = mirrored('roster').get(prefix + keyOf('roster', server));
  const ring = own && read(() => readValue('roster', keyOf('roster', server), own.value))?.ring;
  const item = ring === undefined ? undefined : mirrored('target').get(prefix + keyOf('target', ring));
  const target = item && read(() => readValue('target', keyOf('target', ring!), item.value));
  const readAll = <K extends 'poison' | 'maintenance'>(kind: K): ReadonlyMap<string, ValueOf<K>> => {
    const found = new Map<string, ValueOf<K>>();
    for (const [key, { value }] of mirrored(kind)) {
      const [name] = parseKey(key.slice(prefix.length))?.names ?? [];
      const parsed = name === undefined ? undefined : read(() => readValue(kind, keyOf(kind, name), value));
      if (parsed !== undefined) found.set(name!, parsed);
    }
    return found;
  };
  const poison = new Map([...readAll('poison')].map(([root, { by, why }]) => [root, `found by ${by}: ${why}`]));
  const excused = excusedBy(activeAt(readAll('maintenance'), wall, calendar)).servers.get(server);
  return {
    ring,
    pointer: target === undefined ? undefined : { seen: item!.modified, target },
    poison,
    held: excused && maintenanceText(excused),
    problems,
  };
}
