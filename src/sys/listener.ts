/** Who listens on a TCP port of this machine, as the kernel says: anybody may have taken a port that is free. */
import { readFile } from 'node:fs/promises';

const LISTEN = '0A';

/** Users, by number, whose programs listen on this port on any address; none: nobody does, or /proc does not say. */
export async function listenersOf(port: number): Promise<ReadonlySet<number>> {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1').catch(() => ''));
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const uids = new Set<number>();
  for (const line of (await Promise.all(tables)).join('\n').split('\n')) {
    const [, local = '', , state, , , , uid] = line.trim().split(/\s+/);
    if (state === LISTEN && local.endsWith(`:${wanted}`)) uids.add(Number(uid));
  }
  return uids;
}
