/**
 * The cluster in the daemon: the thread that talks to etcd, while the configuration has one, and the releases that come from it.
 * Off, no module of it is loaded. etcd is needed for nothing that the agent does: when it is ill, what is known is stale, and
 * that is reported.
 */
import type { Moment, ReleaseAgent } from '../cluster/agent/agent.ts';
import type { ReleaseStatus } from '../cluster/agent/status.ts';
import type { ClusterThread } from '../cluster/thread/cluster-thread.ts';
import type { ReleaseRequest } from '../config/messages.ts';
import type { Family, FamilySource } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import type { Logger } from '../sys/log.ts';
import { localAddresses } from '../sys/machine.ts';
import { clusterFamilies } from './cluster-families.ts';
import { configurationOf } from './configuring.ts';
import { driftOf } from './drift.ts';
import { type Begun, bootedFor } from './first-plan.ts';
import { NO_RELEASE, releaseFamilies } from './release-families.ts';
import type { Reloader } from './reload.ts';

export interface ClusteringParts {
  readonly version: string;
  readonly clock: () => number;
  readonly log: Logger;
  readonly plan: () => Plan;
  readonly reloader: () => Pick<Reloader, 'examine' | 'take' | 'putBack'>;
  readonly reconciler: Parameters<typeof driftOf>[0];
  /** What the process has begun with; undefined = nothing of a release. */
  readonly begun: Begun | undefined;
  /** Tests end the process at some moments. */
  readonly at: (moment: Moment, release: number) => void;
  /** What is shown of it is another. */
  readonly told: () => void;
}

type Followed = Pick<Plan, 'etcd' | 'cluster' | 'server'>;

const MOST_ADDRESSES = 16;
/** Of a calendar, at up to 0.1 ms each: the judge must not wait for it. */
const MINUTES_AT_ONCE = 50;

export class Clustering implements FamilySource {
  readonly #p: ClusteringParts;
  #begun: Begun | undefined;
  #etcd = '';
  #thread: ClusterThread | undefined;
  #releases: ReleaseAgent | undefined;
  #turn: Promise<void> = Promise.resolve();
  #shown = '';

  constructor(parts: ClusteringParts) {
    this.#p = parts;
    this.#begun = parts.begun;
  }

  families(): readonly Family[] {
    const thread = this.#thread;
    if (thread === undefined) return [];
    return [...clusterFamilies(thread, this.#p.clock()), ...releaseFamilies(this.#releases?.status ?? NO_RELEASE)];
  }

  /** undefined = no releases are followed. */
  get status(): ReleaseStatus | undefined {
    return this.#releases?.status;
  }

  /** The release that runs, for a file that is read again. */
  get release(): ReleaseRequest | undefined {
    const { running: root, directory } = this.#releases ?? {};
    return root === undefined ? undefined : { root, directory: directory! };
  }

  /** The file was read again: what was refused with the former one may be right now. */
  fileChanged(): void {
    this.#releases?.fileChanged();
  }

  /** Connects to the etcd of this plan, or to none. What is the same goes on. */
  follow({ etcd, cluster, server }: Followed): void {
    const text = JSON.stringify(etcd) ?? '';
    if (text === this.#etcd) return;
    this.#etcd = text;
    this.#turn = this.#turn.then(() => this.#change({ ...(etcd === undefined ? {} : { etcd }), cluster, server }));
  }

  /** What is under our lease ends with it. */
  async stop(): Promise<void> {
    await this.#turn;
    await Promise.all([this.#releases?.stop(), this.#thread?.stop()]);
    this.#releases = undefined;
    this.#thread = undefined;
  }

  /** Never rejects. */
  async #change({ etcd, cluster, server }: Followed): Promise<void> {
    const { clock, log } = this.#p;
    this.#releases?.join(undefined);
    await this.#thread?.stop();
    this.#thread = undefined;
    this.#shown = '';
    if (etcd === undefined) {
      // What ran of a release went with the file that had an etcd.
      await this.#releases?.stop();
      this.#releases = undefined;
      return;
    }
    try {
      const { watchedBy, startCluster } = await import('../cluster/start.ts');
      this.#releases ??= await this.#begin();
      this.#thread = startCluster({
        etcd,
        ranges: watchedBy(cluster, server),
        clock,
        changed: (range, _, complete) => this.#releases?.changed(range, complete),
        told: () => this.#tell(),
        crashed: (error, pause) => log.error({ error, backoff_ms: pause }, 'thread of the cluster ended; restarting'),
      });
      this.#releases?.join(this.#thread);
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the cluster can not be joined');
    }
  }

  /** The releases of this server; undefined = its disk does not take them, which is logged. */
  async #begin(): Promise<ReleaseAgent | undefined> {
    const { version, clock, log, plan, reloader, reconciler, at, told } = this.#p;
    const { startReleases, cronCalendar } = await import('../cluster/start.ts');
    const booted = this.#begun?.booted ?? (await bootedFor(plan(), { version, clock, log }));
    if (booted === undefined) return undefined;
    const running = this.#begun?.running;
    // Who joins later begins with nothing of a release.
    this.#begun = undefined;
    const { cluster, server, releases } = plan();
    const directory = booted.store.directory;
    return startReleases(booted, running, {
      cluster,
      server,
      addresses: () => [...localAddresses()].slice(0, MOST_ADDRESSES),
      settings: () => plan().releases ?? releases!,
      configuration: configurationOf({ reloader, plan, directory }),
      calendar: cronCalendar(MINUTES_AT_ONCE),
      drift: () => driftOf(reconciler),
      clock,
      wall: Date.now,
      log: (level, fields, message) => log[level](fields, message),
      told,
      at,
    });
  }

  /** Logs a connection that was made or lost, and why; the same only once. */
  #tell(): void {
    const { log, told } = this.#p;
    const { state } = this.#thread?.standing ?? {};
    if (state === undefined) return;
    const { connected, endpoint, error, lasting } = state;
    const shown = connected ? 'connected' : error;
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (connected) this.#releases?.connected();
    told();
    if (connected) log.info({ endpoint }, 'etcd connected');
    else if (lasting) log.error({ endpoint, error }, 'etcd refuses us; what is known stays, and is stale');
    else log.warn({ endpoint, error }, 'etcd not connected; what is known stays, and is stale');
  }
}
