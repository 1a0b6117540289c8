/**
 * The cluster in the daemon: the thread that talks to etcd, while the configuration has one. Off, no module of it is loaded. etcd
 * is needed for nothing that the agent does: when it is ill, what is known is stale, and that is reported.
 */
import type { ClusterThread } from '../cluster/thread/cluster-thread.ts';
import type { Family, FamilySource } from '../model/family.ts';
import type { EtcdSettings, Plan } from '../model/plan.ts';
import type { Logger } from '../sys/log.ts';
import { clusterFamilies } from './cluster-families.ts';

export interface ClusteringParts {
  readonly clock: () => number;
  readonly log: Logger;
}

export class Clustering implements FamilySource {
  readonly #p: ClusteringParts;
  #etcd: EtcdSettings | undefined;
  #thread: ClusterThread | undefined;
  #turn: Promise<void> = Promise.resolve();
  #shown = '';

  constructor(parts: ClusteringParts) {
    this.#p = parts;
  }

  families(): readonly Family[] {
    return this.#thread === undefined ? [] : clusterFamilies(this.#thread, this.#p.clock());
  }

  /** Connects to the etcd of this plan, or to none. What is the same goes on. */
  follow({ etcd, cluster, server }: Pick<Plan, 'etcd' | 'cluster' | 'server'>): void {
    if (JSON.stringify(etcd) === JSON.stringify(this.#etcd)) return;
    this.#etcd = etcd;
    this.#turn = this.#turn.then(() => this.#change(etcd, cluster, server));
  }

  /** What is under our lease ends with it. */
  async stop(): Promise<void> {
    await this.#turn;
    await this.#thread?.stop();
    this.#thread = undefined;
  }

  /** Never rejects. */
  async #change(etcd: EtcdSettings | undefined, cluster: string, server: string): Promise<void> {
    const { clock, log } = this.#p;
    await this.#thread?.stop();
    this.#thread = undefined;
    this.#shown = '';
    if (etcd === undefined) return;
    try {
      const { watchedBy, startCluster } = await import('../cluster/start.ts');
      this.#thread = startCluster({
        etcd,
        ranges: watchedBy(cluster, server),
        clock,
        changed: () => undefined,
        told: () => this.#tell(),
        crashed: (error, pause) => log.error({ error, backoff_ms: pause }, 'thread of the cluster ended; restarting'),
      });
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the cluster can not be joined');
    }
  }

  /** Logs a connection that was made or lost, and why; the same only once. */
  #tell(): void {
    const { log } = this.#p;
    const { state } = this.#thread?.standing ?? {};
    if (state === undefined) return;
    const { connected, endpoint, error, lasting } = state;
    const shown = connected ? 'connected' : error;
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (connected) log.info({ endpoint }, 'etcd connected');
    else if (lasting) log.error({ endpoint, error }, 'etcd refuses us; what is known stays, and is stale');
    else log.warn({ endpoint, error }, 'etcd not connected; what is known stays, and is stale');
  }
}
