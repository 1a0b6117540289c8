/** keepalived as it runs here, and the last dump of its VRRP state. It is never asked for a new one: that would be a signal. */
import { type BriefInstance, parseBrief, TornError } from '../keepalived/state/dump.ts';
import type { Host } from './host.ts';

export interface Dump {
  readonly path: string;
  /** Unix ms. */
  readonly written: number;
  readonly text: string;
}

/** The last JSON dump, by whichever of the processes has one in its view of the file system. Rejects when it may not be read. */
export async function lastDump(host: Host, pids: readonly number[]): Promise<Dump | undefined> {
  for (const pid of pids) {
    // With PrivateTmp the dump is in a /tmp of its own.
    const environment = (await host.read(`/proc/${pid}/environ`).catch(() => undefined)) ?? '';
    const tmp =
      environment
        .split('\0')
        .find((part) => part.startsWith('TMPDIR='))
        ?.slice('TMPDIR='.length) ?? '/tmp';
    const path = `/proc/${pid}/root${tmp}/keepalived.json`;
    const text = await host.read(path, { owners: [0, process.geteuid?.() ?? 0], link: false });
    const written = await host.written(path);
    if (text !== undefined && written !== undefined) return { path, written, text };
  }
  return undefined;
}

/** @throws Error when it is none, such as while it is being written */
export function parseDump({ path, text }: Dump): readonly BriefInstance[] {
  try {
    return parseBrief(text);
  } catch (error) {
    if (!(error instanceof TornError)) throw new Error(`${path}: no list of VRRP instances`, { cause: error });
    throw new Error(`${path} is no whole JSON; it may be being written just now: try again`, { cause: error });
  }
}
