/**
 * k of n: what the other servers of the shard find of each real server. The denominator leaves out whoever cannot tell: the dead,
 * the frozen, the blind, those on a configuration that is not known here, and those that share rack or uplink with this server.
 */
import type { RosterEntry } from '../values.ts';
import type { Evidence } from './evidence.ts';

/** Servers that exchange evidence: with more, each change would be sent to everybody. */
const MOST_IN_SHARD = 32;

/** The shard of each server of a roster, by the order of its names. */
export function shardsOf(roster: Iterable<string>): ReadonlyMap<string, number> {
  const names = [...roster].toSorted();
  const count = Math.max(1, Math.ceil(names.length / MOST_IN_SHARD));
  return new Map(names.map((name, index) => [name, index % count]));
}

/** Where the indices of one list are in another. */
export interface Translation {
  /** By index of the peer's list: index of the own one, or -1. */
  readonly toOwn: Int32Array;
  /** Own indices that the peer's list does not have: of those it says nothing. */
  readonly missing: readonly number[];
}

/** From a peer's sorted list of real servers to the own one. */
export function translate(own: readonly string[], peer: readonly string[]): Translation {
  const at = new Map(own.map((id, index) => [id, index]));
  const isThere = new Uint8Array(own.length);
  const toOwn = Int32Array.from(peer, (id) => {
    const index = at.get(id) ?? -1;
    if (index >= 0) isThere[index] = 1;
    return index;
  });
  return { toOwn, missing: [...own.keys()].filter((index) => isThere[index] === 0) };
}

/** A peer of the shard. */
export interface Peer {
  readonly server: string;
  readonly roster: RosterEntry | undefined;
  /** Its member key is there. */
  readonly alive: boolean;
  readonly evidence: Evidence | undefined;
  /** From the list of its root; undefined = that list is not known here. `same`: it is the own list. */
  readonly translation: Translation | 'same' | undefined;
}

export const CANNOT_TELL = ['dead', 'silent', 'frozen', 'blind', 'other configuration', 'same rack', 'same uplink'] as const;
export type CannotTell = (typeof CANNOT_TELL)[number];

/** Why a peer is no witness; undefined = it is one. */
export function cannotTell({ alive, evidence, roster, translation }: Peer, own: RosterEntry | undefined): CannotTell | undefined {
  if (!alive) return 'dead';
  if (evidence === undefined) return 'silent';
  if (evidence.frozen) return 'frozen';
  if (evidence.blind) return 'blind';
  if (translation === undefined) return 'other configuration';
  if (own?.rack !== undefined && own.rack === roster?.rack && own.site === roster.site) return 'same rack';
  return own?.uplink !== undefined && own.uplink === roster?.uplink ? 'same uplink' : undefined;
}

/** What all witnesses say together; indices are those of the own list. */
export interface Testimony {
  /** How many witnesses there are. */
  readonly witnesses: number;
  /** Real servers of which not all say that they are good, ascending. */
  readonly servers: readonly number[];
  /** By position in `servers`: how many find it bad, and how many do not have it. */
  readonly bad: readonly number[];
  readonly unknown: readonly number[];
}

/** Counts what the witnesses among these peers say. */
export function testimonyOf(peers: readonly Peer[], own: RosterEntry | undefined): Testimony {
  const bad = new Map<number, number>();
  const unknown = new Map<number, number>();
  const count = (map: Map<number, number>, index: number) => map.set(index, (map.get(index) ?? 0) + 1);
  let witnesses = 0;
  for (const peer of peers) {
    if (cannotTell(peer, own) !== undefined) continue;
    witnesses++;
    const { evidence, translation } = peer;
    const toOwn = translation === 'same' || translation === undefined ? undefined : translation.toOwn;
    for (const index of evidence!.bad) {
      const here = toOwn === undefined ? index : (toOwn[index] ?? -1);
      if (here >= 0) count(bad, here);
    }
    if (translation !== 'same') for (const index of translation?.missing ?? []) count(unknown, index);
  }
  const servers = [...new Set([...bad.keys(), ...unknown.keys()])].toSorted((a, b) => a - b);
  return {
    witnesses,
    servers,
    bad: servers.map((index) => bad.get(index) ?? 0),
    unknown: servers.map((index) => unknown.get(index) ?? 0),
  };
}
