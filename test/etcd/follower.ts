/** A mirror under test, with what it reported. */
import { Mirror, type MirrorOptions, type MirrorState } from '../../src/cluster/mirror/mirror.ts';
import type { Change, Why } from '../../src/cluster/mirror/changes.ts';
import { Replica } from '../../src/cluster/mirror/replica.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { prefixRange } from '../../src/cluster/wire/kv.ts';
import { until } from '../../src/lab/until.ts';
import { type EtcdCluster, PREFIX } from './cluster.ts';

export class Follower {
  readonly mirror: Mirror;
  readonly replica = new Replica();
  readonly states: MirrorState[] = [];
  readonly snapshots: Why[] = [];
  readonly changes: Change[] = [];
  readonly #running: Promise<void>;

  constructor(
    cluster: EtcdCluster,
    user = 'lb-01',
    options: Partial<MirrorOptions> = {},
    observed?: (changes: readonly Change[]) => void,
  ) {
    const dial = grpcDial(cluster.tls(user));
    const basics = { endpoints: cluster.endpoints, dial, ranges: [prefixRange(PREFIX)], random: Math.random };
    this.mirror = new Mirror(
      { ...basics, clock: () => performance.now(), ...options },
      {
        batch: (_, batch) => {
          const changes = this.replica.apply(batch);
          if (batch.snapshot !== undefined && batch.last) this.snapshots.push(batch.snapshot);
          this.changes.push(...changes);
          observed?.(changes);
          return undefined;
        },
        state: (state) => void this.states.push(state),
      },
    );
    this.#running = this.mirror.run();
  }

  get state(): MirrorState | undefined {
    return this.states.at(-1);
  }

  value(key: string): string | undefined {
    const item = this.replica.items.get(PREFIX + key);
    return item && Buffer.from(item.value).toString();
  }

  /** Resolves when a key has this value, with how long it took, ms. */
  async sees(key: string, value: string | undefined, limitMs = 20_000): Promise<number> {
    const began = performance.now();
    await until(`${key} is ${value}; ${JSON.stringify(this.state)}`, limitMs, () => this.value(key) === value);
    return performance.now() - began;
  }

  async stop(): Promise<void> {
    this.mirror.stop();
    await this.#running;
  }
}
