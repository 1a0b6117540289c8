/**
 * How much of what kernel LVS has in its connection table on one server is known to the other of the pair: two expositions,
 * compared. Connections that came by synchronisation count among the active ones of a real server like any other. Pure.
 */

interface Daemon {
  readonly role: string;
  readonly syncId: string;
}

/** What one server exports of it. */
export interface SyncView {
  /** Those that run. */
  readonly daemons: readonly Daemon[];
  /** Established connections by `SERVICE REAL_SERVER`. */
  readonly active: ReadonlyMap<string, number>;
  /** Datagrams dropped at the sockets of its daemons since they were started. */
  readonly dropped: number;
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
  /** Connections known to the backup by those of the master, 0 to 1; 1 when there are none. */
  readonly ratio: number;
  /** What would break a fail-over, in words. */
  readonly problems: readonly string[];
}

const LINE = /^(fourlane_\w+)\{([^}]*)\} (\S+)/;

/** From the text of /metrics. */
export function syncView(metrics: string): SyncView {
  const daemons: Daemon[] = [];
  const active = new Map<string, number>();
  let dropped = 0;
  for (const line of metrics.split('\n')) {
    const [, name, text = '', number] = LINE.exec(line) ?? [];
    const value = Number(number);
    const label = (key: string) => new RegExp(`\\b${key}="([^"]*)"`).exec(text)?.[1] ?? '';
    if (name === 'fourlane_ipvs_sync_daemon_running' && value === 1)
      daemons.push({ role: label('role'), syncId: label('sync_id') });
    else if (name === 'fourlane_ipvs_sync_dropped_total') dropped += value;
    else if (name === 'fourlane_real_server_active_connections' && label('source') === 'ipvs')
      active.set(`${label('service')} ${label('real_server')}`, value);
  }
  return { daemons, active, dropped };
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
  return { master, rows, ratio: sum === 0 ? 1 : known / sum, problems: problemsOf(from, to) };
}

function problemsOf(from: SyncView, to: SyncView): readonly string[] {
  const [sent, taken] = [idOf(from, 'master')!, idOf(to, 'backup')!];
  const missing = [...from.active.keys()].filter((key) => !to.active.has(key));
  return [
    ...(sent === taken
      ? []
      : [`the master sends with syncid ${sent}, the backup takes ${taken}: everything is thrown away unseen`]),
    ...(missing.length === 0
      ? []
      : [`the backup does not have ${missing.join(', ')}: what is known of its connections does not show, and leads nowhere`]),
    ...(from.dropped === 0 ? [] : [`the master dropped ${from.dropped} datagrams since its daemon was started`]),
    ...(to.dropped === 0 ? [] : [`the backup dropped ${to.dropped} datagrams since its daemon was started`]),
  ];
}
