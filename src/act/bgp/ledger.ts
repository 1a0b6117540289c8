/**
 * Which sessions fourlane has shut: a file that is written before they are, so that one who was killed in between knows what may
 * be its own.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { sessionKey } from '../../edge/expected.ts';
import { ADDRESS_FAMILIES } from '../../model/plan.ts';
import { readIfExists, writeAtomic } from '../../sys/files.ts';
import { kernelRoute } from '../../sys/kernel-routes.ts';
import type { Peer } from './spec.ts';

const peer = z.object({ vrf: z.string(), peer: z.string(), families: z.array(z.enum(ADDRESS_FAMILIES)).readonly() });
const record = z.object({
  /** NIC whose fault it was; absent: the whole server is drained. */
  nic: z.string().exactOptional(),
  /** The actuator's parameters then, to undo it after the configuration has changed. */
  spec: z.looseObject({ type: z.string() }),
  shut: z.array(peer).readonly(),
  /** Kernel routes that were taken away, as they were. */
  routes: z.array(kernelRoute).readonly().exactOptional(),
  /** Graceful shutdown was asked for. */
  graceful: z.boolean().exactOptional(),
  /** Nothing of it is shut yet: routers are given time to find other ways. */
  waiting: z.boolean().exactOptional(),
});
const file = z.object({ version: z.literal(1), records: z.record(z.string(), record) });

export type ShutRecord = Readonly<z.output<typeof record>>;

const MOST_BYTES = 1 << 20;

export class Ledger {
  readonly #path: string;
  readonly #records: Map<string, ShutRecord>;

  private constructor(path: string, records: Map<string, ShutRecord>) {
    this.#path = path;
    this.#records = records;
  }

  /** Nothing when there is no file. Rejects when it can't be read: what is shut would be taken for somebody else's. */
  static async read(path: string): Promise<Ledger> {
    const bytes = await readIfExists(path, MOST_BYTES);
    if (bytes === undefined) return new Ledger(path, new Map());
    const { success, data } = file.safeParse(jsonOf(bytes));
    if (!success) throw new Error(`${path} is damaged: remove it; "fourlane bgp restore" then finds what is shut by its text`);
    return new Ledger(path, new Map(Object.entries(data.records)));
  }

  get records(): ReadonlyMap<string, ShutRecord> {
    return this.#records;
  }

  /** Whether a record other than `except` has the session, and does not wait. */
  holds(session: Pick<Peer, 'vrf' | 'peer'>, except?: string): boolean {
    const key = sessionKey(session);
    return [...this.#records].some(
      ([id, { shut, waiting }]) => id !== except && waiting !== true && shut.some((one) => sessionKey(one) === key),
    );
  }

  /** Replaces a record, or removes it when nothing is shut any more, and writes the file if that changes it. */
  async set(id: string, next: ShutRecord): Promise<void> {
    const before = this.#records.get(id);
    const isNothing = next.shut.length + (next.routes?.length ?? 0) === 0;
    if (isNothing ? before === undefined : JSON.stringify(before) === JSON.stringify(next)) return;
    if (isNothing) this.#records.delete(id);
    else this.#records.set(id, next);
    await mkdir(dirname(this.#path), { recursive: true });
    const content: z.output<typeof file> = { version: 1, records: Object.fromEntries(this.#records) };
    await writeAtomic(this.#path, `${JSON.stringify(content)}\n`);
  }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
