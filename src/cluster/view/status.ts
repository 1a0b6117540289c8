/** The cluster for people and tools: rings, servers, rollouts, budgets, drift, maintenance, as plain values. */
import type { BudgetStatus, ClusterStatus, RingStatus, ServerStatus } from '../../model/cluster-status.ts';
import { type Barrier, barrierOf, barrierText, outcomeOf } from '../barrier/barrier.ts';
import { countFor } from '../budget/budget.ts';
import { type Drift, driftsOf } from '../drift/drift.ts';
import { cannotTell, shardsOf } from '../evidence/witnesses.ts';
import { activeAt, type CronCalendar, type Excused, excusedBy, maintenanceText } from '../roster/maintenance.ts';
import { type MissingSince, type Presence, presenceOf } from '../roster/presence.ts';
import type { Held } from '../txn-plan.ts';
import type { Target } from '../values.ts';
import { type ClusterState, plain } from './state.ts';

export interface Looking {
  /** ms since 1970, for maintenance; ms of the own clock, for who is missing. */
  readonly now: number;
  readonly clock: number;
  readonly since: MissingSince;
  readonly calendar: CronCalendar;
}

const SHORT = 12;
const byName = <T>(map: ReadonlyMap<string, T>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** All that follows from the state together. */
interface Context {
  readonly state: ClusterState;
  readonly excused: Excused;
  readonly presence: (server: string) => Presence;
  readonly barriers: ReadonlyMap<string, Barrier>;
  /** Of the rings that prepare something. */
  readonly preparing: ReadonlyMap<string, Barrier>;
}

function contextOf(state: ClusterState, { now, clock, since, calendar }: Looking): Context {
  const members = plain(state.member);
  const presence = (server: string) => presenceOf(server, members, since, clock);
  const excused = excusedBy(activeAt(plain(state.maintenance), now, calendar));
  const strangers = [...state.member.keys()].filter((server) => !state.roster.has(server)).toSorted();
  const applied = plain(state.applied);
  const [first] = [...state.target.keys()].toSorted();
  const barrier = (ring: string, target: Held<Target>, stage: 'apply' | 'prepare') => {
    const expected = [...state.roster].filter(([, { value }]) => value.ring === ring).map(([server]) => server);
    const extra = ring === first && stage === 'apply' ? { strangers } : {};
    return barrierOf({ target, stage, expected, presence, applied, excused, ...extra });
  };
  const barriers = new Map([...state.target].map(([ring, target]) => [ring, barrier(ring, target, 'apply')]));
  const preparing = [...state.target].filter(([, { value }]) => value.prepare !== undefined);
  const prepared = new Map(preparing.map(([ring, target]) => [ring, barrier(ring, target, 'prepare')]));
  return { state, excused, presence, barriers, preparing: prepared };
}

/** How the cluster is. */
export function statusOf(cluster: string, state: ClusterState, looking: Looking): ClusterStatus {
  const context = contextOf(state, looking);
  const { barriers, preparing } = context;
  const rings = byName(state.target).map(([ring, { value }]): RingStatus => {
    const barrier = barriers.get(ring)!;
    const ahead = preparing.get(ring);
    const text = [barrierText(barrier), ...(ahead === undefined ? [] : [barrierText(ahead, 'prepared')])].join('. ');
    const { release, root, prepare } = value;
    return { ring, release, root, preparing: prepare?.release ?? null, outcome: outcomeOf(barrier), text };
  });
  const rollouts = [...state.rollout.values()]
    .toSorted((a, b) => b.value.n - a.value.n)
    .map(({ value: { n, to, state: is, stages, stage, why } }) => {
      const ring = is === 'applying' || is === 'soaking' ? `ring ${stages[stage]?.ring} (${stage + 1} of ${stages.length})` : '';
      return { n, release: to.release, state: is, text: [ring, why].filter((part) => part !== '').join('; ') };
    });
  return {
    cluster,
    rings,
    servers: byName(state.roster).map(([server]) => serverStatus(server, context)),
    rollouts,
    budgets: byName(state.budgetRule).map(([budget]) => budgetStatus(budget, context)),
    drifts: driftsIn(state),
    maintenance: activeAt(plain(state.maintenance), looking.now, looking.calendar).map((entry) => {
      const { subject } = entry;
      const what = 'realServer' in subject ? subject.realServer : [subject.server, subject.nic].filter(Boolean).join(' ');
      return `${what}: ${maintenanceText(entry)}`;
    }),
    poison: byName(state.poison).map(([root, { value }]) => ({ root: root.slice(0, SHORT), why: value.why })),
    problems: state.problems,
  };
}

function serverStatus(server: string, { state, presence, barriers, excused }: Context): ServerStatus {
  const roster = state.roster.get(server)!.value;
  const member = state.member.get(server)?.value;
  const applied = state.applied.get(server)?.value;
  const evidence = state.evidence.get(server)?.value;
  const row = barriers.get(roster.ring)?.rows.find((each) => each.server === server);
  const mute = cannotTell({ server, roster, alive: member !== undefined, evidence, translation: 'same' }, undefined);
  const planned = excused.servers.get(server);
  return {
    server,
    ring: roster.ring,
    site: roster.site ?? null,
    rack: roster.rack ?? null,
    presence: presence(server).is,
    ready: member?.ready === true,
    counts: row?.counts ?? (planned === undefined ? 'pending' : 'excused'),
    state: applied?.state ?? null,
    text: row?.text ?? `its ring ${roster.ring} has no target yet`,
    running: applied?.running?.slice(0, SHORT) ?? null,
    release: numberOf(state, applied?.running),
    version: member?.version ?? null,
    prepared: applied?.prepared?.slice(0, SHORT) ?? null,
    plan: applied?.plan ?? null,
    bad: evidence === undefined || evidence.frozen || evidence.blind ? null : evidence.bad.length,
    cannotTell: mute ?? null,
  };
}

/** The newest release of a root; null = none that is kept. */
function numberOf({ release }: ClusterState, root: string | null | undefined): number | null {
  const numbers = [...release.values()].filter(({ value }) => value.root === root).map(({ value }) => value.n);
  return numbers.length === 0 ? null : Math.max(...numbers);
}

function budgetStatus(budget: string, { state, excused, presence }: Context): BudgetStatus {
  const rule = state.budgetRule.get(budget)!.value;
  const holders = state.budgetHolder.get(budget) ?? new Map();
  const gone = (server: string) =>
    excused.servers.has(server) ? 'maintenance' : presence(server).is === 'absent' ? 'absent' : undefined;
  const announcing = (server: string) => state.member.get(server)?.value.ready === true;
  // Asked for nobody: the whole scope counts; of several sites or racks this is all of them together.
  const view = { holders, roster: plain(state.roster), gone, announcing };
  const { used, max } = countFor('', { ...rule, scope: 'cluster' }, view);
  const held = [...holders].map(([server, { value }]) => ({ server, subjects: value.subjects, why: value.why }));
  return { budget, scope: rule.scope, used, max, holders: held };
}

function driftsIn({ target, roster, applied }: ClusterState): readonly Drift[] {
  return byName(target).flatMap(([ring, { value }]) => {
    const own = new Map(
      [...applied].filter(([server]) => roster.get(server)?.value.ring === ring).map(([server, held]) => [server, held.value]),
    );
    return driftsOf(value, own);
  });
}

/** Who of the servers exchanges evidence with this one. */
export function shardMates({ roster }: Pick<ClusterState, 'roster'>, server: string): readonly string[] {
  const shards = shardsOf(roster.keys());
  return [...shards].filter(([name, shard]) => name !== server && shard === shards.get(server)).map(([name]) => name);
}
