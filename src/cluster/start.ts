/** The door of the cluster for the daemon, which imports it only when there is an etcd. */
import { clusterPrefix, keyOf } from './keys.ts';
import { ClusterThread, type ClusterThreadOptions } from './thread/cluster-thread.ts';
import type { Watched } from './thread/messages.ts';

/** What every server mirrors: what it must run, whether it is expected, what nobody may run, and whether it is there itself. */
export function watchedBy(cluster: string, server: string): readonly Watched[] {
  const keys = {
    target: keyOf('target'),
    poison: keyOf('poison'),
    roster: keyOf('roster', server),
    member: keyOf('member', server),
  };
  return Object.entries(keys).map(([name, key]) => ({ name, key: clusterPrefix(cluster) + key, prefix: key.endsWith('/') }));
}

export function startCluster(options: ClusterThreadOptions): ClusterThread {
  return new ClusterThread(options);
}
