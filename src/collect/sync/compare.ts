/**
 * How much of what kernel LVS has in its connection table on one server is known to the other of the pair. Connections that came
 * by synchronisation count among the active ones of a real server like any other. Pure.
 */
import type { SyncAnswer } from '../../model/sync-answer.ts';
import type { IpvsData } from '../ipvs/merge.ts';

/** What is compared of one server. */
export interface SyncView extends Pick<SyncAnswer, 'daemons' | 'dropped'> {
  /** Established connections by `SERVICE REAL_SERVER`. */
  readonly active: ReadonlyMap<string, number>;
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
  readonly rows: readonly SyncRow[];
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
  const active = new Map<string, number>();
  for (const { service, realServers, active: counts } of services)
    realServers.forEach((realServer, k) => active.set(`${service} ${realServer}`, counts[k] ?? 0));
  return { daemons, dropped, active };
}

/** As it is read here. */
export function viewOfReading({ daemons, sync, services }: Pick<IpvsData, 'daemons' | 'sync' | 'services'>): SyncView {
  const active = services.flatMap(({ service, realServers }) =>
    realServers.flatMap(({ realServer, state }) =>
      state === undefined ? [] : [[`${service} ${realServer}`, state.active] as const],
    ),
  );
  return {
    daemons: daemons.map(({ role, syncId }) => ({ role, syncId: String(syncId) })),
    dropped: sync.reduce((sum, { dropped }) => sum + dropped, 0),
    active: new Map(active),
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
  const rows = [...new Set([...from.active.keys(), ...to.active.keys()])].toSorted().map((key): SyncRow => {
    const [service = '', realServer = ''] = key.split(' ');
    return { service, realServer, master: from.active.get(key) ?? 0, backup: to.active.get(key) ?? 0 };
  });
  const sum = rows.reduce((all, row) => all + row.master, 0);
  // What a backup has beyond its master does not make up for what it lacks of another real server.
  const known = rows.reduce((all, row) => all + Math.min(row.master, row.backup), 0);
  const differing = differences(from, to);
  return {
    master,
    rows,
    connections: sum,
    ratio: sum === 0 ? 1 : known / sum,
    sameConfiguration: differing.length === 0,
    problems: [...differing, ...drops(from, to)],
  };
}

function differences(from: SyncView, to: SyncView): readonly string[] {
  const [sent, taken] = [idOf(from, 'master')!, idOf(to, 'backup')!];
  const missing = [...from.active.keys()].filter((key) => !to.active.has(key)).toSorted();
  return [
    ...(sent === taken
      ? []
      : [`the master sends with syncid ${sent}, the backup takes ${taken}: everything is thrown away unseen`]),
    ...(missing.length === 0
      ? []
      : [`the backup does not have ${missing.join(', ')}: what is known of its connections does not show, and leads nowhere`]),
  ];
}

function drops(from: SyncView, to: SyncView): readonly string[] {
  return [['master', from] as const, ['backup', to] as const]
    .filter(([, { dropped }]) => dropped > 0)
    .map(([who, { dropped }]) => `the ${who} dropped ${dropped} datagrams since its daemon was started`);
}
