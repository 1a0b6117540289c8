/**
 * Who is there. A missing member key is not a dead server: leases end late and early, so a server is absent only when its key has
 * been missing for a grace, by the clock of whoever looks.
 */
import type { Member } from '../values.ts';

/** After the lease of 15 s has ended: time for a live server to notice and to put its key again, ms. */
export const GRACE_MS = 10_000;

export type Presence =
  | { readonly is: 'there'; readonly member: Member }
  | { readonly is: 'missing' | 'absent'; readonly forMs: number };

/** When each server's key was first seen missing, ms of the own clock. */
export type MissingSince = ReadonlyMap<string, number>;

/**
 * Looks once: since when each expected server is missing. Who begins to look counts from now on: nobody is absent because
 * somebody has just started.
 */
export function look(
  expected: Iterable<string>,
  members: ReadonlyMap<string, Member>,
  before: MissingSince,
  now: number,
): MissingSince {
  const since = new Map<string, number>();
  for (const server of expected) if (!members.has(server)) since.set(server, before.get(server) ?? now);
  return since;
}

/** How a server stands. */
export function presenceOf(server: string, members: ReadonlyMap<string, Member>, since: MissingSince, now: number): Presence {
  const member = members.get(server);
  if (member !== undefined) return { is: 'there', member };
  const forMs = now - (since.get(server) ?? now);
  return { is: forMs >= GRACE_MS ? 'absent' : 'missing', forMs };
}
