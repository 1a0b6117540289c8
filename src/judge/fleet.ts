/**
 * R14: act locally, blame globally. What this load balancer does follows what it reaches itself; the name of the fault follows
 * what the others find too. Without their word nothing here speaks, and the judge judges as if there were no others.
 */
import type { FleetFact } from '../model/facts.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import type { State } from './memory.ts';

/** What the others find of one real server. */
export const ELSEWHERE = { unknown: 0, reachable: 1, unreachable: 2 } as const;

/** How one real server has stood elsewhere, and since when by the hold clock. */
interface Standing {
  readonly elsewhere: number;
  readonly since: number;
}

/** What the others said last. Columns of what is not good for all: ascending indices of real servers, and counts. */
export interface Fleet {
  /** When it was measured; and when the last word came that could tell anything. */
  at: number;
  toldAt: number;
  witnesses: number;
  servers: Int32Array;
  bad: Uint16Array;
  unknown: Uint16Array;
  /** Of real servers that are down. */
  readonly standing: Map<number, Standing>;
  /** Since when this server looks ill, by the hold clock; 0 = it does not. */
  illSince: number;
  /** Of the last pass: real servers that can be judged, that are bad here, and those of them that are reachable elsewhere. */
  judged: number;
  badHere: number;
  elsewhere: number;
}

/** Nothing has been said yet. */
export function newFleet(now: number): Fleet {
  return {
    at: now,
    toldAt: now,
    witnesses: 0,
    servers: new Int32Array(),
    bad: new Uint16Array(),
    unknown: new Uint16Array(),
    standing: new Map(),
    illSince: 0,
    judged: 0,
    badHere: 0,
    elsewhere: 0,
  };
}

/** Takes the word of the others. Real servers that the topology does not have are passed over. */
export function takeFleet(state: State, fact: FleetFact, now: number): void {
  const { witnesses, servers, measuredAt } = fact;
  const fleet = (state.fleet ??= newFleet(now));
  const known = [...servers.keys()].filter((at) => servers[at]! >= 0 && servers[at]! < state.topology.realServers.length);
  known.sort((a, b) => servers[a]! - servers[b]!);
  fleet.at = Math.min(measuredAt, now);
  fleet.witnesses = witnesses;
  if (witnesses >= state.rules.fleet_min_witnesses) fleet.toldAt = fleet.at;
  fleet.servers = Int32Array.from(known, (at) => servers[at]!);
  fleet.bad = Uint16Array.from(known, (at) => fact.bad[at] ?? 0);
  fleet.unknown = Uint16Array.from(known, (at) => fact.unknown[at] ?? 0);
}

/** The same after a reload; `where[k]` is the new index of old index k, below 0 = gone. */
export function moveFleet(old: Fleet | undefined, where: readonly number[]): Fleet | undefined {
  if (old === undefined) return undefined;
  const kept = [...old.servers.keys()].filter((at) => (where[old.servers[at]!] ?? -1) >= 0);
  kept.sort((a, b) => where[old.servers[a]!]! - where[old.servers[b]!]!);
  return {
    ...old,
    servers: Int32Array.from(kept, (at) => where[old.servers[at]!]!),
    bad: Uint16Array.from(kept, (at) => old.bad[at]!),
    unknown: Uint16Array.from(kept, (at) => old.unknown[at]!),
    standing: new Map([...old.standing].flatMap(([server, each]) => ((where[server] ?? -1) < 0 ? [] : [[where[server]!, each]]))),
  };
}

/** Position of a real server in the columns, or -1. */
function find(servers: Int32Array, server: number): number {
  let low = 0;
  let high = servers.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (servers[middle] === server) return middle;
    if (servers[middle]! < server) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

type Reading = Pick<State, 'fleet' | 'rules' | 'clock'>;

/** From how many of those that can tell a real server is reachable; undefined = nobody's word is fresh, or none can tell. */
export function reachableFrom({ fleet, rules, clock }: Reading, server: number): { reachable: number; of: number } | undefined {
  if (fleet === undefined || clock.now - fleet.at > rules.fleet_fresh_ms) return undefined;
  const at = find(fleet.servers, server);
  const of = at < 0 ? fleet.witnesses : fleet.witnesses - fleet.unknown[at]!;
  return of <= 0 ? undefined : { reachable: at < 0 ? of : Math.max(of - fleet.bad[at]!, 0), of };
}

/** What the others find of a real server: one of ELSEWHERE. */
export function elsewhere(state: Reading, server: number): number {
  const { rules } = state;
  const word = reachableFrom(state, server);
  if (word === undefined || word.of < rules.fleet_min_witnesses) return ELSEWHERE.unknown;
  const share = word.reachable / word.of;
  if (share >= rules.fleet_reachable_fraction) return ELSEWHERE.reachable;
  return share <= rules.fleet_unreachable_fraction ? ELSEWHERE.unreachable : ELSEWHERE.unknown;
}

const holdMs = ({ rules, topology }: State) => rules.fleet_hold_rounds * topology.intervalMs + rules.fleet_hold_ms;

/**
 * Whether the word of the others was measured at this moment of the hold clock or later. One that is older than a fault here does
 * not testify that the fault is here only: etcd may be gone since, and the others may have it too.
 */
const isOfAfter = ({ clock }: State, fleet: Fleet, moment: number) => clock.now - fleet.at <= clock.hold - moment;

/**
 * The cause that a real server which stays down should have now: `local_path` when it has been reachable elsewhere for long
 * enough, the own cause again when it has been unreachable everywhere; undefined = as it is.
 * @param own finds the cause that it has here
 */
export function causeElsewhere(state: State, server: number, own: () => number): number | undefined {
  const { fleet, clock, servers } = state;
  if (fleet === undefined) return undefined;
  const now = elsewhere(state, server);
  const before = fleet.standing.get(server);
  if (before === undefined || before.elsewhere !== now) {
    if (now === ELSEWHERE.unknown) fleet.standing.delete(server);
    else fleet.standing.set(server, { elsewhere: now, since: clock.hold });
    return undefined;
  }
  if (clock.hold - before.since < holdMs(state)) return undefined;
  const isLocal = servers.cause[server] === CAUSE.local_path;
  if (now === ELSEWHERE.reachable)
    return isLocal || !isOfAfter(state, fleet, before.since + holdMs(state)) ? undefined : CAUSE.local_path;
  return isLocal ? own() : undefined;
}

/** A real server that is not down any more has no standing. */
export function forgetStanding({ fleet }: State, server: number): void {
  fleet?.standing.delete(server);
}

/** Counts what is bad here, and how much of it is reachable elsewhere. */
function count(state: State, fleet: Fleet): void {
  const { serviceGood, serviceBad } = state.scan;
  fleet.judged = 0;
  fleet.badHere = 0;
  fleet.elsewhere = 0;
  for (let server = 0; server < serviceGood.length; server++) {
    if (serviceGood[server]! > 0) fleet.judged++;
    else if (serviceBad[server]! > 0) {
      fleet.judged++;
      fleet.badHere++;
      if (elsewhere(state, server) === ELSEWHERE.reachable) fleet.elsewhere++;
    }
  }
}

/** Whether this server is the ill one: much of what is bad here is reachable elsewhere. Call once per pass. */
export function isIll(state: State, now: number): boolean {
  const { fleet, rules, agent, clock } = state;
  if (fleet === undefined) return false;
  count(state, fleet);
  const was = agent.verdict === 'AGENT_ILL';
  const isTold = fleet.witnesses >= rules.fleet_min_witnesses && now - fleet.at <= rules.fleet_fresh_ms;
  // Unknown changes nothing, but not for ever.
  if (!isTold) {
    fleet.illSince = 0;
    return was && fleet.badHere >= rules.fleet_ill_clear_fraction * fleet.judged && now - fleet.toldAt < rules.fleet_memory_ms;
  }
  if (was) return fleet.elsewhere > 0 && fleet.elsewhere >= rules.fleet_ill_clear_fraction * fleet.judged;
  const looksIll =
    fleet.elsewhere >= rules.fleet_ill_min_real_servers && fleet.elsewhere >= rules.fleet_ill_fraction * fleet.judged;
  if (!looksIll) fleet.illSince = 0;
  else if (fleet.illSince === 0) fleet.illSince = clock.hold;
  return looksIll && clock.hold - fleet.illSince >= holdMs(state) && isOfAfter(state, fleet, fleet.illSince);
}

/** Whether it may turn out that this server is the ill one: new verdicts on real servers wait for that. */
export function illForms({ fleet, agent }: State): boolean {
  return fleet !== undefined && fleet.illSince > 0 && agent.verdict === '';
}

/** Numbers of the evidence behind a verdict; none without a word of the others. */
export function fleetNumbers(state: State, server: number): Record<string, number> {
  const word = reachableFrom(state, server);
  return word === undefined ? {} : { fleet_reachable: word.reachable, fleet_witnesses: word.of };
}

/** The same of the agent. */
export function fleetAgentNumbers({ fleet, rules, clock }: State): Record<string, number> {
  if (fleet === undefined || clock.now - fleet.at > rules.fleet_fresh_ms) return {};
  const { witnesses, badHere, elsewhere: reachable } = fleet;
  return { fleet_witnesses: witnesses, bad_here: badHere, reachable_elsewhere: reachable };
}

/** How many of a rack's real servers that are down here are unreachable everywhere. */
export function fleetRackNumbers(state: State, members: readonly number[]): Record<string, number> {
  const { fleet, servers } = state;
  if (fleet === undefined) return {};
  const down = members.filter((server) => servers.verdict[server] === VERDICT.RS_DOWN);
  const everywhere = down.filter((server) => elsewhere(state, server) === ELSEWHERE.unreachable).length;
  return { fleet_witnesses: fleet.witnesses, fleet_unreachable: everywhere };
}
