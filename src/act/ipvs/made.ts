/**
 * Which entries of kernel LVS fourlane has made: a file that is written before they are made, so that one that was killed in
 * between knows what may be its own.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { readIfExists, writeAtomic } from '../../sys/files.ts';
import { bootId } from '../../sys/machine.ts';

/** `text`: what it was made as. `sure`: false while it is being made. */
const mark = z.object({ text: z.string(), sure: z.boolean() });
const madeServer = mark.extend({ configured: z.int() });
const madeService = z.object({ service: mark.exactOptional(), servers: z.record(z.string(), madeServer) });
const file = z.object({ version: z.literal(1), boot: z.string(), services: z.record(z.string(), madeService) });

export type Mark = Readonly<z.output<typeof mark>>;
/** `configured`: the weight it had in the configuration then. */
export type MadeServer = Readonly<z.output<typeof madeServer>>;
/** Without `service` the service itself is somebody else's. Servers by their names in the kernel. */
export interface MadeService {
  readonly service?: Mark;
  readonly servers: Readonly<Record<string, MadeServer>>;
}

const MOST_BYTES = 256 << 20;
const NOTHING: MadeService = { servers: {} };

export class Made {
  readonly #path: string;
  readonly #services: Map<string, MadeService>;
  #isSaved = true;

  private constructor(path: string, services: Map<string, MadeService>) {
    this.#path = path;
    this.#services = services;
  }

  /**
   * What the file says; nothing when there is none, or it is of before the last boot, when the tables were others. Rejects when
   * it can't be read: what is in the kernel would be taken for somebody else's.
   */
  static async read(path: string): Promise<Made> {
    const bytes = await readIfExists(path, MOST_BYTES);
    if (bytes === undefined) return new Made(path, new Map());
    const { success, data } = file.safeParse(jsonOf(bytes));
    if (!success) throw new Error(`${path} is damaged: remove it, and what is in kernel LVS counts as made by others`);
    return new Made(path, data.boot === bootId() ? new Map(Object.entries(data.services)) : new Map());
  }

  /** Services of which something has been made, by their `vip`. */
  get vips(): readonly string[] {
    return [...new Set([...this.#services.keys()].map((name) => name.replace(/^(fwmark:\d+)\/[46]$/, '$1')))];
  }

  of(name: string): MadeService {
    return this.#services.get(name) ?? NOTHING;
  }

  set(name: string, made: MadeService): void {
    const isNothing = made.service === undefined && Object.keys(made.servers).length === 0;
    if (JSON.stringify(this.of(name)) === JSON.stringify(made)) return;
    this.#isSaved = false;
    if (isNothing) this.#services.delete(name);
    else this.#services.set(name, made);
  }

  /** Writes the file, if anything has changed. Rejects when it can't. */
  async save(): Promise<void> {
    if (this.#isSaved) return;
    await mkdir(dirname(this.#path), { recursive: true });
    const content: z.output<typeof file> = { version: 1, boot: bootId(), services: Object.fromEntries(this.#services) };
    await writeAtomic(this.#path, `${JSON.stringify(content)}\n`);
    this.#isSaved = true;
  }
}

/** Services of which something has been made, by their `vip`; none when the file can't be read: the first call says why. */
export async function madeVips(path: string): Promise<readonly string[]> {
  try {
    return (await Made.read(path)).vips;
  } catch {
    return [];
  }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** What may be ours while a call is under way: all of before and after, and what is new only if it looks so. */
export function during(before: MadeService, after: MadeService): MadeService {
  const unsure = <T extends Mark>(value: T) => ({ ...value, sure: false });
  const added = Object.entries(after.servers).filter(([name]) => before.servers[name] === undefined);
  const servers = { ...before.servers, ...Object.fromEntries(added.map(([name, value]) => [name, unsure(value)])) };
  const service = before.service ?? (after.service && unsure(after.service));
  return { ...(service === undefined ? {} : { service }), servers };
}
