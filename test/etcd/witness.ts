/** A mirror in the chaos, and the log by which it is held to account. */
import { type Batch, isOtherHistory } from '../../src/cluster/mirror/changes.ts';
import { Mirror, type MirrorState } from '../../src/cluster/mirror/mirror.ts';
import { Replica } from '../../src/cluster/mirror/replica.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { prefixRange, type RangeAnswer } from '../../src/cluster/wire/kv.ts';
import { type EtcdCluster, PREFIX } from './cluster.ts';
import { describe, type Writers } from './writers.ts';

/** Small, so that a snapshot has several pages. */
const PAGE = 50;

export class Witness {
  readonly mirror: Mirror;
  readonly #writers: Writers;
  readonly #replica = new Replica();
  /** Revision → what was reported at it. */
  readonly #reported = new Map<number, string[]>();
  readonly #snapshots: { readonly from: number; readonly to: number }[] = [];
  readonly whys: string[] = [];
  readonly wrong: string[] = [];
  /** How long it was without a connection, each time, ms. */
  readonly offline: number[] = [];
  #lostAt: number | undefined;
  readonly #running: Promise<void>;

  constructor(cluster: EtcdCluster, writers: Writers, endpoints: readonly string[]) {
    this.#writers = writers;
    const basics = { endpoints, dial: grpcDial(cluster.tls('lb-01')), ranges: [prefixRange(PREFIX)], page: PAGE };
    this.mirror = new Mirror(
      { ...basics, clock: () => performance.now(), random: Math.random },
      { batch: (_, batch) => this.#take(batch), state: (state) => this.#state(state) },
    );
    this.#running = this.mirror.run();
  }

  get revision(): number {
    return this.#replica.revision;
  }

  async stop(): Promise<void> {
    this.mirror.stop();
    await this.#running;
  }

  #state({ connected }: MirrorState): void {
    if (!connected) this.#lostAt ??= performance.now();
    else if (this.#lostAt !== undefined) {
      this.offline.push(performance.now() - this.#lostAt);
      this.#lostAt = undefined;
    }
  }

  #take(batch: Batch): undefined {
    const from = this.#replica.revision;
    this.#replica.apply(batch);
    if (batch.snapshot !== undefined) {
      if (isOtherHistory(batch.snapshot)) this.wrong.push(`taken for another history: ${batch.snapshot}`);
      if (!batch.last) return;
      if (batch.revision < from) this.wrong.push(`went back from ${from} to ${batch.revision}`);
      this.#snapshots.push({ from, to: batch.revision });
      this.whys.push(batch.snapshot);
      return;
    }
    let expected = from + 1;
    for (const { key, value, modified } of batch.changes) {
      const what = describe(key, value);
      if (modified > expected) this.wrong.push(`lost: ${expected}, before ${modified}`);
      if (modified < expected - 1 || (modified < expected && !this.#reported.has(modified)))
        this.wrong.push(`out of order: ${modified} at ${expected}`);
      expected = modified + 1;
      this.#reported.set(modified, [...(this.#reported.get(modified) ?? []), what]);
      if (value !== undefined && this.#writers.sent.get(Buffer.from(value).toString()) !== key)
        this.wrong.push(`invented: ${what.slice(0, 60)}`);
    }
    if (batch.revision !== expected - 1) this.wrong.push(`at ${batch.revision} after ${expected - 1}`);
  }

  /** What is not as it should be, given what etcd has in the end. */
  faults(truth: RangeAnswer): readonly string[] {
    const faults = [...this.wrong];
    const { items } = this.#replica;
    if (this.revision !== truth.header.revision) faults.push(`at ${this.revision}, etcd at ${truth.header.revision}`);
    if (items.size !== truth.items.length) faults.push(`${items.size} keys, etcd has ${truth.items.length}`);
    for (const { key, modified, value } of truth.items) {
      const own = items.get(key);
      if (own?.modified !== modified || !value.equals(own.value)) faults.push(`${key} differs`);
    }
    for (const [revision, changes] of this.#writers.confirmed) {
      const reported = this.#reported.get(revision);
      const covered = this.#snapshots.some(({ from, to }) => from < revision && revision <= to);
      if (reported === undefined && !covered) faults.push(`confirmed ${revision} was lost`);
      if (reported !== undefined && reported.toSorted().join() !== changes.toSorted().join())
        faults.push(`revision ${revision}: reported ${reported.join()}, written ${changes.join()}`);
    }
    return faults;
  }
}
