/** The door of the cluster for the daemon, which imports it only when there is an etcd. */
import { ReleaseAgent, type ReleaseAgentParts } from './agent/agent.ts';
import { boot, type Booted, type BootParts } from './agent/boot.ts';
import { type OpenedRelease, openRelease } from './agent/open.ts';
import { Fleet, type FleetParts } from './fleet/fleet.ts';
import { clusterPrefix, keyOf } from './keys.ts';
export { FleetLook } from './look/fleet-look.ts';
export { RootLists } from './evidence/lists.ts';
export { cronCalendar } from './roster/calendar.ts';
import { ClusterThread, type ClusterThreadOptions } from './thread/cluster-thread.ts';
import type { Watched } from './thread/messages.ts';
import type { Version } from './values.ts';

/**
 * What every server mirrors: what it must run, who is expected and who is there, what nobody may run, planned absences, what it
 * has reported, the budgets, and what the others of its shard find.
 */
export function watchedBy(cluster: string, server: string, shard = 0): readonly Watched[] {
  const keys = {
    target: keyOf('target'),
    poison: keyOf('poison'),
    maintenance: keyOf('maintenance'),
    roster: keyOf('roster'),
    member: keyOf('member'),
    applied: keyOf('applied', server),
    budget: keyOf('budgetRule'),
    evidence: keyOf('evidence', shard),
  };
  return Object.entries(keys).map(([name, key]) => ({ name, key: clusterPrefix(cluster) + key, prefix: key.endsWith('/') }));
}

export function startCluster(options: ClusterThreadOptions): ClusterThread {
  return new ClusterThread(options);
}

/** Counts a start on the disk. Rejects with FileError. */
export function bootReleases(parts: BootParts): Promise<Booted> {
  return boot(parts);
}

/** A release that is on the disk and has run here before. Throws STATE_DAMAGED or CLUSTER_INVALID. */
export function openStored({ store }: Booted, { root }: Version): OpenedRelease {
  return openRelease({ directory: store.directory, root });
}

export function startReleases(booted: Booted, running: Version | undefined, parts: ReleaseAgentParts): ReleaseAgent {
  return new ReleaseAgent(booted, running, parts);
}

export function startFleet(parts: FleetParts): Fleet {
  return new Fleet(parts);
}
