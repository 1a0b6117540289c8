/** Sockets of the connection synchronisation of kernel LVS in /proc/net/udp: what waits in them, and what was dropped. Pure. */
import { parseUdpSockets } from '../udp-sockets.ts';

/** 224.0.0.81 as /proc writes it on little-endian machines, the group that daemons use unless they are told otherwise. */
const GROUP = '510000E0';
/** The first of the ports; `sync_ports` may be up to 64. */
const FIRST_PORT = 8848;
const MOST_PORTS = 64;

export interface SyncSocket {
  /** A master sends to the group, a backup listens to it. */
  readonly role: 'master' | 'backup';
  readonly port: number;
  /** Bytes that wait: to be sent, or to be read. */
  readonly queued: number;
  /** Datagrams dropped because the socket was full, since the daemon was started. */
  readonly dropped: number;
  /** Another one when the daemon has been started again. */
  readonly inode: string;
}

/** Rows of the group; others, and what is not as the kernel writes it, are passed over. */
export function parseSyncSockets(text: string): readonly SyncSocket[] {
  return parseUdpSockets(text).flatMap(({ local, remote, toSend, toRead, dropped, inode }): SyncSocket[] => {
    const role = remote.startsWith(`${GROUP}:`) ? 'master' : local.startsWith(`${GROUP}:`) ? 'backup' : undefined;
    if (role === undefined) return [];
    const port = Number.parseInt((role === 'master' ? remote : local).slice(GROUP.length + 1), 16);
    if (!(port >= FIRST_PORT && port < FIRST_PORT + MOST_PORTS)) return [];
    return [{ role, port, queued: role === 'master' ? toSend : toRead, dropped, inode }];
  });
}
