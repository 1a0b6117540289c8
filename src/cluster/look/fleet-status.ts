/** The whole cluster as it stands in etcd at one moment, cut to what a page and a tool can take. */
import type { ClusterStatus, FleetStatus, SeenDown } from '../../model/cluster-status.ts';
import { badIn } from '../api/bad-in.ts';
import type { Contents } from '../api/contents.ts';
import type { Store } from '../store/store.ts';
import { stateOf } from '../view/reading.ts';
import { type Looking, statusOf } from '../view/status.ts';

/** Entries of each list. Servers have the most: of 1 000 everything is shown. */
const MOST = 200;
const MOST_SERVERS = 2000;
/** Names of the servers that find a real server bad. */
const MOST_NAMES = 32;

export interface LookedAt {
  readonly cluster: string;
  readonly store: Pick<Store, 'read'>;
  readonly contents: Contents;
  readonly looking: Looking;
}

/** Reads and counts it. Rejects with CLUSTER_UNREACHABLE. */
export async function fleetStatus({ cluster, store, contents, looking }: LookedAt): Promise<FleetStatus> {
  const state = await stateOf(store);
  const status = statusOf(cluster, state, looking);
  const bad = await badIn(state, contents);
  const told = [...state.evidence.keys()].flatMap((server) => {
    const found = bad(server);
    return found === undefined ? [] : [{ server, found }];
  });
  return cut(status, downOf(told));
}

/** Most found first. */
function downOf(told: readonly { readonly server: string; readonly found: ReadonlySet<string> }[]): readonly SeenDown[] {
  const by = new Map<string, string[]>();
  for (const { server, found } of told) {
    for (const realServer of found) {
      const servers = by.get(realServer);
      if (servers === undefined) by.set(realServer, [server]);
      else servers.push(server);
    }
  }
  return [...by]
    .map(([realServer, servers]) => ({ realServer, by: servers.toSorted(), witnesses: told.length }))
    .toSorted((a, b) => b.by.length - a.by.length || (a.realServer < b.realServer ? -1 : 1));
}

const RANK = { failed: 0, absent: 1, pending: 2, stranger: 3, excused: 4, done: 5 } as const;

/** What waits for a person stays when not all can. */
function cut(status: ClusterStatus, down: readonly SeenDown[]): FleetStatus {
  const more: Record<string, number> = {};
  const first = <T>(list: string, all: readonly T[], most = MOST): readonly T[] => {
    if (all.length > most) more[list] = all.length - most;
    return all.slice(0, most);
  };
  const { servers } = status;
  const worst = servers.length > MOST_SERVERS ? servers.toSorted((a, b) => RANK[a.counts] - RANK[b.counts]) : servers;
  return {
    cluster: status.cluster,
    rings: first('rings', status.rings),
    servers: first('servers', worst, MOST_SERVERS),
    rollouts: first('rollouts', status.rollouts),
    budgets: first('budgets', status.budgets),
    drifts: first('drifts', status.drifts),
    maintenance: first('maintenance', status.maintenance),
    poison: first('poison', status.poison),
    problems: first('problems', status.problems),
    down: first('down', down).map((each) => ({ ...each, by: first(`by ${each.realServer}`, each.by, MOST_NAMES) })),
    more,
  };
}
