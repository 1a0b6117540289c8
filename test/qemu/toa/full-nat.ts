/**
 * Stands for a load balancer in full-NAT mode with TOA: carries connections to a VIP on to a real server, from an address of its
 * own, with the client's address and port in a TCP option on every packet of the connection.
 */
import { createServer, type Server, Socket } from 'node:net';
import { startSending } from '../../../src/passthrough/toa/sender.ts';
import { close, connect, SOCK_CLOEXEC, SOCK_STREAM, socket } from '../../../src/sys/libc.ts';
import { sockaddrLength, sockaddrOf } from '../../../src/sys/sockaddr.ts';
import { setMark } from '../../../src/sys/socket.ts';
import type { Address } from '../../../src/model/plan.ts';

/** Firewall mark of the connection made last: each has its own, and so its own client. */
let last = 1000;

interface Client {
  readonly ip: string;
  readonly port: number;
}

/** A connection with an option of this kind, which names `client`; established when this resolves. */
export async function connectAs({ ip, port }: Client, to: Address, kind: number): Promise<Socket> {
  const mark = ++last;
  const sending = await startSending({ kind, ip, port, mark, family: to.family });
  if ('missing' in sending) throw new Error(sending.missing);
  try {
    const address = sockaddrOf(to);
    const fd = socket(address[0]!, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // It waits for the handshake: the module reads the packet that completes it.
    if (setMark(fd, mark) !== 0 || connect(fd, address, sockaddrLength(address)) < 0)
      throw new Error(`no connection to ${to.ip}`);
    return new Socket({ fd });
  } finally {
    close(sending.link);
  }
}

/** Listens at `vip`. */
export function fullNat(vip: Client, to: Address, kind: number): Server {
  const carry = async (client: Socket) => {
    client.on('error', () => undefined);
    const server = await connectAs({ ip: client.remoteAddress!, port: client.remotePort! }, to, kind);
    server.on('error', () => undefined);
    client.pipe(server).pipe(client);
  };
  return createServer((client) => void carry(client)).listen({ host: vip.ip, port: vip.port });
}
