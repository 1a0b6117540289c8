/** What daemons announce, held against what is planned. Pure. */
import { allowedOn, type ExpectedSet, sessionKey } from '../../edge/expected.ts';
import type { DaemonReading, PlannedPrefix, Unplanned } from './data.ts';
import type { Session } from '../../routing/session.ts';

const MOST_NAMES = 10;

/** Every planned prefix at each of its uplinks. */
export function plannedPrefixes({ prefixes }: ExpectedSet, readings: readonly DaemonReading[]): readonly PlannedPrefix[] {
  const has = (key: string, prefix: string) => readings.some(({ announced }) => announced.get(key)?.includes(prefix) === true);
  return prefixes.flatMap(({ prefix, level, uplinks }) =>
    uplinks.map((u) => ({ prefix, level, nic: u.nic, vrf: u.vrf, peer: u.peer, announced: has(sessionKey(u), prefix) })),
  );
}

/** What a session may announce: what is planned for it, or, when it is no uplink, for its NIC. */
export function allowedFor(expected: ExpectedSet, session: Pick<Session, 'vrf' | 'peer' | 'nic'>): ReadonlySet<string> {
  const key = sessionKey(session);
  if (!expected.uplinks.some((u) => sessionKey(u) === key)) return allowedOn(expected, session.nic ?? '');
  return new Set(expected.prefixes.filter((p) => p.uplinks.some((u) => sessionKey(u) === key)).map((p) => p.prefix));
}

/**
 * How many prefixes beyond the plan a session announces. Known from their number alone where the daemon is asked for each planned
 * prefix: what is announced less what of it is planned. undefined: not known.
 */
export function unplannedOf(expected: ExpectedSet, reading: DaemonReading, session: Session): Unplanned | undefined {
  const { nic, vrf, peer } = session;
  if (nic === undefined) return undefined;
  const key = sessionKey(session);
  const allowed = allowedFor(expected, session);
  const announced = reading.announced.get(key) ?? [];
  const foreign = announced.filter((prefix) => !allowed.has(prefix));
  const whole = reading.complete.has(key);
  const asked = whole || expected.uplinks.some((u) => sessionKey(u) === key) || reading.daemon === 'bgpd';
  if (!asked) return undefined;
  const total = session.families.reduce((sum, family) => sum + family.announced, 0);
  const count = whole ? foreign.length : Math.max(0, total - (announced.length - foreign.length));
  return { vrf, peer, nic, count, ...(whole || count === 0 ? { names: foreign.slice(0, MOST_NAMES) } : {}) };
}

/** Sessions over NICs of the configuration; without uplinks nothing is planned, and nothing compared. */
export function unplannedPrefixes(expected: ExpectedSet, readings: readonly DaemonReading[]): readonly Unplanned[] {
  if (expected.uplinks.length === 0) return [];
  return readings.flatMap((reading) => reading.sessions.flatMap((session) => unplannedOf(expected, reading, session) ?? []));
}
