/** Rows of /proc/net/udp and /proc/net/udp6: what waits in a socket, and what was dropped because it was full. Pure. */

export interface UdpSocket {
  /** Address and port as /proc writes them: `510000E0:2290`. */
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  /** Bytes that wait to be sent and to be read. */
  readonly toSend: number;
  readonly toRead: number;
  /** Datagrams dropped because the socket was full, since it was made. */
  readonly dropped: number;
  /** Another one for another socket. */
  readonly inode: string;
}

/** What is not as the kernel writes it is passed over. */
export function parseUdpSockets(text: string): readonly UdpSocket[] {
  return text.split('\n').flatMap((line): UdpSocket[] => {
    const [, local = '', remote = '', , queues = '', , , , , inode = '', , , dropped = ''] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    if (!/^\d+$/.test(dropped) || Number.isNaN(port)) return [];
    const [tx = '0', rx = '0'] = queues.split(':');
    const [toSend, toRead] = [Number.parseInt(tx, 16), Number.parseInt(rx, 16)];
    return [{ local, remote, port, toSend, toRead, dropped: Number(dropped), inode }];
  });
}
