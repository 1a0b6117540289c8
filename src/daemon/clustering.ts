/**
 * The cluster in the daemon: the thread that talks to etcd, while the configuration has one, and the releases that come from it.
 * Off, no module of it is loaded. etcd is needed for nothing that the agent does: when it is ill, what is known is stale, and
 * that is reported.
 */
import type { Reconciler } from '../act/reconciler.ts';
import type { ReleaseAgent } from '../cluster/agent/agent.ts';
import type { Moment } from '../cluster/agent/moments.ts';
import type { ReleaseStatus } from '../cluster/agent/status.ts';
import type { Booted } from '../cluster/agent/boot.ts';
import type { Fleet, FleetParts } from '../cluster/fleet/fleet.ts';
import type { FleetLook } from '../cluster/look/fleet-look.ts';
import type { Change } from '../cluster/mirror/changes.ts';
import type { ClusterThread } from '../cluster/thread/cluster-thread.ts';
import { expectedSet } from '../edge/expected.ts';
import type { ReleaseRequest } from '../config/messages.ts';
import type { Family, FamilySource } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import type { Decisions } from '../model/verdict.ts';
import type { FleetAnswer } from '../report/view.ts';
import type { Logger } from '../sys/log.ts';
import { localAddresses } from '../sys/machine.ts';
import { clusterFamilies } from './cluster-families.ts';
import { configurationOf } from './configuring.ts';
import { driftOf } from './drift.ts';
import { type Begun, bootedFor } from './first-plan.ts';
import { NO_RELEASE, releaseFamilies } from './release-families.ts';
import { fleetFamilies } from './fleet-families.ts';
import type { FleetSide, FleetSideParts } from './fleet-side.ts';
import type { Reloader } from './reload.ts';

export interface ClusteringParts {
  readonly version: string;
  readonly clock: () => number;
  readonly log: Logger;
  readonly plan: () => Plan;
  readonly reloader: () => Pick<Reloader, 'examine' | 'take' | 'putBack'>;
  readonly loop: FleetSideParts['loop'];
  readonly reconciler: Parameters<typeof driftOf>[0] & FleetSideParts['reconciler'] & Pick<Reconciler, 'repair'>;
  /** What the process has begun with; undefined = nothing of a release. */
  readonly begun: Begun | undefined;
  /** Tests end the process at some moments. */
  readonly at: (moment: Moment, release: number) => void;
  /** What is shown of it is another. */
  readonly told: () => void;
}

type Followed = Pick<Plan, 'etcd' | 'cluster' | 'server'>;

type Write = (level: 'info' | 'warn' | 'error', fields: object, message: string) => void;

const MOST_ADDRESSES = 16;
const MOST_PREFIXES = 64;
/** Of a calendar, at up to 0.1 ms each: the judge must not wait for it. */
const MINUTES_AT_ONCE = 50;

export class Clustering implements FamilySource {
  readonly #p: ClusteringParts;
  #begun: Begun | undefined;
  #etcd = '';
  #thread: ClusterThread | undefined;
  #releases: ReleaseAgent | undefined;
  #fleet: Fleet | undefined;
  #side: FleetSide | undefined;
  #look: FleetLook | undefined;
  #shard = 0;
  #turn: Promise<void> = Promise.resolve();
  #shown = '';

  constructor(parts: ClusteringParts) {
    this.#p = parts;
    this.#begun = parts.begun;
  }

  families(): readonly Family[] {
    const thread = this.#thread;
    if (thread === undefined) return [];
    const releases = releaseFamilies(this.#releases?.status ?? NO_RELEASE);
    const fleet = this.#fleet === undefined ? [] : fleetFamilies(this.#fleet.shown);
    return [...clusterFamilies(thread, this.#p.clock()), ...releases, ...fleet];
  }

  /** undefined = no releases are followed. */
  get status(): ReleaseStatus | undefined {
    return this.#releases?.status;
  }

  /** The whole cluster, for whoever looks; undefined = there is no etcd. */
  async fleet(): Promise<FleetAnswer | undefined> {
    const refusal = this.#thread?.staleSince === undefined ? '' : (this.#thread.standing?.state?.error ?? 'not connected');
    return this.#look?.look(this.#fleet?.missing ?? new Map(), refusal === '' ? '' : `etcd: ${refusal}`);
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
    // Asked before the act: nothing is granted before the budgets are known.
    if (this.#side === undefined && etcd !== undefined) this.#permitAll(0);
    else this.#side?.planChanged();
    const text = JSON.stringify(etcd) ?? '';
    if (text === this.#etcd) return;
    this.#etcd = text;
    this.#turn = this.#turn.then(() => this.#change({ ...(etcd === undefined ? {} : { etcd }), cluster, server }));
  }

  /** The judge has decided. */
  decided(decisions: Decisions): void {
    this.#side?.decided(decisions);
  }

  #permitAll(granted: 0 | 1): void {
    const { plan, loop, clock } = this.#p;
    for (const nic of plan().nics.keys()) loop.observe({ kind: 'permit', measuredAt: clock(), nic, granted });
  }

  /** What is under our lease ends with it. */
  async stop(): Promise<void> {
    await this.#turn;
    await Promise.all([this.#leave(), this.#look?.stop(), this.#thread?.stop()]);
    this.#thread = undefined;
  }

  /** Never rejects. */
  async #change({ etcd, cluster, server }: Followed): Promise<void> {
    const { clock, log } = this.#p;
    this.#releases?.join(undefined);
    this.#fleet?.join(undefined);
    await Promise.all([this.#look?.stop(), this.#thread?.stop()]);
    [this.#look, this.#thread] = [undefined, undefined];
    this.#shown = '';
    if (etcd === undefined) {
      await this.#leave();
      return;
    }
    try {
      const { watchedBy, startCluster, FleetLook } = await import('../cluster/start.ts');
      this.#releases ??= await this.#begin();
      this.#thread = startCluster({
        etcd,
        ranges: watchedBy(cluster, server, this.#shard),
        clock,
        changed: (range, changes, complete) => this.#changed(range, changes, complete),
        told: () => this.#tell(),
        crashed: (error, pause) => log.error({ error, backoff_ms: pause }, 'thread of the cluster ended; restarting'),
      });
      this.#look = new FleetLook({ cluster, etcd, clock, wall: Date.now });
      this.#releases?.join(this.#thread);
      this.#fleet?.join(this.#thread);
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the cluster can not be joined');
    }
    // Who is not among the others has nobody to ask.
    if (this.#side === undefined) this.#permitAll(1);
  }

  /** What ran of a release goes with the file that had an etcd. */
  async #leave(): Promise<void> {
    this.#side?.stop();
    await this.#releases?.stop();
    [this.#side, this.#fleet, this.#releases] = [undefined, undefined, undefined];
  }

  #changed(range: number, changes: readonly Change[], complete: boolean): void {
    const fleet = this.#fleet;
    fleet?.changed(range, changes);
    this.#releases?.changed(range, complete);
    this.#side?.soon();
    const shard = complete && this.#thread?.names[range] === 'roster' ? fleet?.shard : undefined;
    if (shard === undefined || shard === this.#shard) return;
    // The roster has grown or shrunk much: other servers are this one's witnesses.
    this.#shard = shard;
    const { etcd, cluster, server } = this.#p.plan();
    this.#turn = this.#turn.then(() => this.#change({ ...(etcd === undefined ? {} : { etcd }), cluster, server }));
  }

  /** The releases of this server, and its place among the others; undefined = its disk does not take them, which is logged. */
  async #begin(): Promise<ReleaseAgent | undefined> {
    const { version, clock, log, plan, reloader, reconciler, loop, at, told } = this.#p;
    const { startReleases, cronCalendar, RootLists } = await import('../cluster/start.ts');
    const begun = this.#begun;
    const booted = begun?.booted ?? (await bootedFor(plan(), { version, clock, log }));
    if (booted === undefined) return undefined;
    // Who joins later begins with nothing of a release.
    this.#begun = undefined;
    const { cluster, server, releases } = plan();
    const directory = booted.store.directory;
    const lists = new RootLists();
    const running = begun?.running;
    if (running !== undefined) lists.keep(running.root, begun!.realServers);
    const base = { cluster, server, calendar: cronCalendar(MINUTES_AT_ONCE), clock, wall: Date.now };
    const write: Write = (level, fields, message) => log[level](fields, message);
    await this.#among({ ...base, log: write, lists }, booted);
    return startReleases(booted, running, {
      ...base,
      addresses: () => [...localAddresses()].slice(0, MOST_ADDRESSES),
      prefixes: () => prefixesOf(plan()),
      settings: () => plan().releases ?? releases!,
      configuration: configurationOf({ reloader, plan, directory, examined: (root, list) => lists.keep(root, list) }),
      drift: () => driftOf(reconciler),
      repair: () => {
        if (loop.state.wanted.frozen !== '') return false;
        reconciler.repair();
        return true;
      },
      log: write,
      told,
      ticked: () => this.#side?.turn(),
      at,
    });
  }

  async #among(parts: Omit<FleetParts, 'boot' | 'epoch'>, { state }: Booted): Promise<void> {
    const { startFleet } = await import('../cluster/start.ts');
    const { FleetSide } = await import('./fleet-side.ts');
    const { clock, plan, loop, reconciler } = this.#p;
    const fleet = startFleet({ ...parts, boot: state.self.boot, epoch: state.record.boots });
    this.#fleet = fleet;
    const running = () => this.#releases?.running;
    this.#side = new FleetSide(fleet, { clock, plan, loop, reconciler, lists: parts.lists, running });
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

/** Prefixes that the plan announces over every uplink, so that others see whether this server stands in for them. */
function prefixesOf(plan: Pick<Plan, 'snat' | 'bgp'>): readonly string[] {
  const { prefixes } = expectedSet(plan);
  return prefixes
    .flatMap(({ prefix, level }) => (level === 'server' || level === 'cluster' ? prefix : []))
    .slice(0, MOST_PREFIXES);
}
