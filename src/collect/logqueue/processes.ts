/** The DPDK processes of this machine over the readings: their clients, and the result of asking them for their log queues. */
import type { CollectContext } from '../collector.ts';
import { shareKey, TelemetryClient } from '../telemetry/client.ts';
import type { Found } from '../telemetry/discover.ts';
import { TelemetryError } from '../telemetry/error.ts';
import type { Queue } from './contract.ts';
import { type Choice, readQueues } from './queues.ts';
import { Throttle } from './throttle.ts';

/** A process that has log queues. */
export interface QueueProcess {
  readonly source: string;
  /** Another one means that its counters started again. */
  readonly epoch: string;
  readonly queues: readonly Queue[];
}

/** A process, or file, that could not be read. */
export interface Unread {
  readonly source: string;
  readonly reason: string;
}

type Lease = { readonly value: TelemetryClient; release(): void };

/** One process may take this much of a reading, so that the others' results are not lost with it, ms. */
const BUDGET_MS = 2000;

export class Processes {
  readonly #context: CollectContext;
  readonly #choice: Choice;
  readonly #leases = new Map<string, Lease>();
  readonly #throttle = new Throttle();

  constructor(choice: Choice, context: CollectContext) {
    this.#choice = choice;
    this.#context = context;
  }

  /**
   * Asks each process behind `sockets`. One behind whose socket nobody listens is not there; one without log queues has none.
   * Rejects with the signal's reason.
   */
  async read(
    sockets: readonly Found[],
    signal: AbortSignal,
  ): Promise<{ up: readonly QueueProcess[]; unread: readonly Unread[] }> {
    this.#follow(sockets);
    const results = await Promise.all(sockets.map((found) => this.#ask(found, signal)));
    const all = results.filter((r): r is QueueProcess => r !== undefined && 'queues' in r && r.queues.length > 0);
    const up = all.map((p) => ({
      ...p,
      queues: p.queues.map((q) => this.#throttle.observe(p.source, `${p.epoch} ${q.epoch}`, q)),
    }));
    this.#throttle.end();
    return { up, unread: results.filter((r): r is Unread => r !== undefined && 'reason' in r) };
  }

  async #ask({ source, path }: Found, signal: AbortSignal): Promise<QueueProcess | Unread | undefined> {
    const budget = AbortSignal.timeout(BUDGET_MS);
    try {
      const both = AbortSignal.any([signal, budget]);
      const session = await this.#leases.get(path)!.value.session(both);
      return { source, epoch: String(session.greeting.pid), queues: await readQueues(session, this.#choice, both) };
    } catch (error) {
      if (error instanceof TelemetryError) return error.problem === 'gone' ? undefined : { source, reason: error.message };
      if (error instanceof RangeError) return { source, reason: `${path}: ${error.message}` };
      if (signal.aborted || error !== budget.reason) throw error;
      return { source, reason: `${path}: answers too slowly, more than ${BUDGET_MS} ms for one reading` };
    }
  }

  /** Takes clients of new sockets, gives back those of sockets that are no more. */
  #follow(sockets: readonly Found[]): void {
    const paths = new Set(sockets.map((s) => s.path));
    for (const [path, lease] of this.#leases) {
      if (paths.has(path)) continue;
      lease.release();
      this.#leases.delete(path);
    }
    for (const path of paths) {
      if (!this.#leases.has(path)) {
        this.#leases.set(
          path,
          this.#context.share(shareKey(path), () => new TelemetryClient(path)),
        );
      }
    }
  }

  close(): void {
    this.#follow([]);
  }
}
