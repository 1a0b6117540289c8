/** The plan that a process begins with: its file and, in a cluster, the last good release on its disk. etcd is not needed. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Booted } from '../cluster/agent/boot.ts';
import type { Version } from '../cluster/values.ts';
import { loadPlan, readConfig, type ReleasePart } from '../config/load.ts';
import type { Followed } from '../config/messages.ts';
import type { Plan } from '../model/plan.ts';
import type { Logger } from '../sys/log.ts';
import { holdState } from './state-lock.ts';

export interface FirstParts {
  readonly version: string;
  readonly clock: () => number;
  readonly log: Logger;
}

/** What is known of releases at the start, and what of it the process has begun with. */
export interface Begun {
  readonly booted: Booted;
  readonly running: Version | undefined;
  /** Real servers of what runs, one a line. */
  readonly realServers: string;
}

export interface First {
  readonly plan: Plan;
  /** What its import was read from: much may have changed when it has waited for etcd. */
  readonly followed: Followed;
  /** Left out = this server is in no cluster, or its releases are not known. */
  readonly begun?: Begun;
}

/** How long `onBootWithoutEtcd: wait` waits. */
const WAIT_MS = 60_000;
const LOOK_MS = 100;

/** Rejects for a bad file, or a state directory that another agent has; a release that can't be used is logged, and is none. */
export async function firstPlan(path: string, parts: FirstParts): Promise<First> {
  const bytes = readConfig(path, true);
  const load = (release?: ReleasePart): First => {
    let followed: Followed = new Map();
    const plan = loadPlan(bytes, path, { hostname: hostname(), release, read: (files) => void (followed = files) });
    return { plan, followed };
  };
  const first = load();
  const { plan: file } = first;
  await holdState(file.stateDir);
  if (file.etcd === undefined) return first;
  await waitForEtcd(file, parts);
  const booted = await bootedFor(file, parts);
  if (booted === undefined) return first;
  const { openStored } = await import('../cluster/start.ts');
  for (const version of booted.candidates) {
    try {
      const release = openStored(booted, version);
      const whole = load(release);
      parts.log.info({ release: version.release, root: version.root.slice(0, 12) }, 'begins with the last good release');
      return { ...whole, begun: { booted, running: version, realServers: release.realServers } };
    } catch (error) {
      parts.log.error({ release: version.release, error: (error as Error).message }, 'the last good release is not used');
    }
  }
  return { ...first, begun: { booted, running: undefined, realServers: '' } };
}

/**
 * Whether the services of this server are not known yet: it is in a cluster, its file has none, and no release is on its disk.
 * What is in the data plane may be of the release that is not here: it stays as it is.
 */
export function isUnknown({ etcd, services }: Plan, begun: Begun | undefined): boolean {
  return etcd !== undefined && services.length === 0 && begun?.running === undefined;
}

/** Counts this start on the disk. Never rejects; undefined = the disk does not take it: that is logged, and no release is run. */
export async function bootedFor(plan: Plan, { version, clock, log }: FirstParts): Promise<Booted | undefined> {
  const { stateDir, cluster } = plan;
  try {
    const { bootReleases } = await import('../cluster/start.ts');
    const booted = await bootReleases({ stateDir, cluster, self: { boot: randomUUID(), version }, now: clock() });
    if (booted.problem !== '') log.error({ code: 'STATE_DAMAGED' }, booted.problem);
    return booted;
  } catch (error) {
    log.error({ code: 'STATE_UNWRITABLE', error: (error as Error).message }, 'releases of the cluster are not run');
    return undefined;
  }
}

/** As the file says: not at all, for a minute, or until etcd answers. */
async function waitForEtcd({ etcd, cluster, server, releases }: Plan, { clock, log }: FirstParts): Promise<void> {
  const { onBoot } = releases!;
  if (onBoot === 'good') return;
  const until = onBoot === 'wait' ? clock() + WAIT_MS : Number.POSITIVE_INFINITY;
  const { startCluster, watchedBy } = await import('../cluster/start.ts');
  const ignored = () => undefined;
  const ranges = watchedBy(cluster, server);
  const thread = startCluster({ etcd: etcd!, ranges, clock, changed: ignored, told: ignored, crashed: ignored });
  log.info({}, onBoot === 'wait' ? `waiting for etcd, at most ${WAIT_MS / 1000} s` : 'waiting for etcd');
  while (thread.staleSince !== undefined && clock() < until) await sleep(LOOK_MS);
  await thread.stop();
}
