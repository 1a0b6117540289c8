/**
 * How much of what kernel LVS has in its connection table on one server is known to the other of the pair. Connections that came
 * by synchronisation count among the active ones of a real server like any other. Pure.
 */
import type { SyncAnswer } from '../../model/sync-answer.ts';
import type { IpvsData } from '../ipvs/merge.ts';

/** Established connections by service and real server. */
type Active = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** What is compared of one server. */
export interface SyncView extends Pick<SyncAnswer, 'daemons' | 'dropped'> {
  readonly active: Active;
}

export interface SyncRow {
  readonly service: string;
  readonly realServer: string;
  readonly master: number;
  readonly backup: number;
}

export interface SyncComparison {
  /** Which of the two is the master. */
  readonly master: 'here' | 'peer';
  /** Connections of the master. */
  readonly connections: number;
  /** Those of them that the backup knows, 0 to 1; 1 when there are none. */
  readonly ratio: number;
  /** Both have one syncid, and the backup has every real server of the master. */
  readonly sameConfiguration: boolean;
  /** What would break a fail-over, in words. */
  readonly problems: readonly string[];
}

/** As an agent answers. */
export function viewOfAnswer({ daemons, dropped, services }: SyncAnswer): SyncView {
  const active = services.map(({ service, realServers, active: counts }) => {
    const each = new Map(realServers.map((realServer, k) => [realServer, counts[k] ?? 0]));
    return [service, each] as const;
  });
  return { daemons, dropped, active: new Map(active) };
}

/** As it is read here. */
export function viewOfReading({ daemons, sync, services }: Pick<IpvsData, 'daemons' | 'sync' | 'services'>): SyncView {
  const active = services.map(({ service, realServers }) => {
    const each = realServers.flatMap(({ realServer, state }) =>
      state === undefined ? [] : [[realServer, state.active] as const],
    );
    return [service, new Map(each)] as const;
  });
  return {
    daemons: daemons.map(({ role, syncId }) => ({ role, syncId: String(syncId) })),
    dropped: sync.reduce((sum, { dropped }) => sum + dropped, 0),
    active: new Map(active.filter(([, each]) => each.size > 0)),
  };
}

const idOf = ({ daemons }: SyncView, role: string) => daemons.find((daemon) => daemon.role === role)?.syncId;
const rolesOf = ({ daemons }: SyncView) => daemons.map(({ role }) => role).join(' and ') || 'none';

/** The two are no pair: what runs on each, in words. */
export interface NoPair {
  readonly noPair: string;
}

export function compareSync(here: SyncView, peer: SyncView): SyncComparison | NoPair {
  const pairs = [
    ['here', here, peer],
    ['peer', peer, here],
  ] as const;
  const both = pairs.filter(([, one, other]) => idOf(one, 'master') !== undefined && idOf(other, 'backup') !== undefined);
  if (both.length !== 1) {
    const what = both.length === 2 ? 'both are master and backup at once, and nobody can tell whose a connection is' : 'no pair';
    return { noPair: `${what}: daemons here: ${rolesOf(here)}; at the peer: ${rolesOf(peer)}` };
  }
  const [[master, from, to]] = both as [(typeof pairs)[number]];
  let connections = 0;
  let known = 0;
  const missing: string[] = [];
  for (const [service, realServers] of from.active) {
    const there = to.active.get(service);
    for (const [realServer, count] of realServers) {
      const held = there?.get(realServer);
      if (held === undefined) missing.push(`${service} ${realServer}`);
      connections += count;
      // What a backup has beyond its master does not make up for what it lacks of another real server.
      known += Math.min(count, held ?? 0);
    }
  }
  const differing = differences({ sent: idOf(from, 'master')!, taken: idOf(to, 'backup')!, missing });
  return {
    master,
    connections,
    ratio: connections === 0 ? 1 : known / connections,
    sameConfiguration: differing.length === 0,
    problems: [...differing, ...drops(from, to)],
  };
}

/** Every real server that one of them has, by its name. */
export function rowsOf(master: SyncView, backup: SyncView): readonly SyncRow[] {
  const rows = new Map<string, SyncRow>();
  for (const { active } of [master, backup])
    for (const [service, realServers] of active)
      for (const realServer of realServers.keys()) {
        const count = ({ active: of }: SyncView) => of.get(service)?.get(realServer) ?? 0;
        rows.set(`${service} ${realServer}`, { service, realServer, master: count(master), backup: count(backup) });
      }
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

interface Differing {
  /** Syncids. */
  readonly sent: string;
  readonly taken: string;
  readonly missing: readonly string[];
}

function differences({ sent, taken, missing }: Differing): readonly string[] {
  const found: string[] = [];
  if (sent !== taken)
    found.push(`the master sends with syncid ${sent}, the backup takes ${taken}: everything is thrown away unseen`);
  const names = missing.toSorted().join(', ');
  if (names !== '')
    found.push(`the backup does not have ${names}: what is known of its connections does not show, and leads nowhere`);
  return found;
}

function drops(from: SyncView, to: SyncView): readonly string[] {
  return [['master', from] as const, ['backup', to] as const]
    .filter(([, { dropped }]) => dropped > 0)
    .map(([who, { dropped }]) => `the ${who} dropped ${dropped} datagrams since its daemon was started`);
}
