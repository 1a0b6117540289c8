/** Hostile servers without connections: UDP servers that answer too much, and a flood of echo replies that nobody asked for. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { AF_INET, close, connect, IPPROTO_ICMP, SOCK_RAW, send, socket } from '../../../src/sys/libc.ts';
import { sockaddrOf } from '../../../src/sys/sockaddr.ts';

/** Answers each datagram so many times, with so many bytes. */
export async function udpServer(
  address: string,
  port: number,
  answers: () => readonly [count: number, size: number],
): Promise<Socket> {
  const server = createSocket(isIPv4(address) ? 'udp4' : 'udp6');
  server.on('message', (_, from) => {
    const [count, size] = answers();
    for (let i = 0; i < count; i++) server.send(Buffer.alloc(size, 'a'), from.port, from.address, () => undefined);
  });
  await new Promise<void>((resolve) => server.bind(port, address, resolve));
  return server;
}

/** Sends echo replies to these addresses as fast as one thread does, until it is stopped. Needs root. */
export function floodReplies(addresses: readonly string[]): () => void {
  const fds = addresses.map((ip) => {
    const fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0 || connect(fd, sockaddrOf({ family: 4, ip, port: 0 }), 16) < 0) throw new Error('cannot send ICMP: not root?');
    return fd;
  });
  const reply = Buffer.alloc(64);
  const timer = setInterval(() => {
    for (let i = 0; i < 2000; i++) {
      reply.writeUInt16BE(i, 4);
      for (const fd of fds) send(fd, reply, reply.length, 0);
    }
  }, 10);
  return () => {
    clearInterval(timer);
    for (const fd of fds) close(fd);
  };
}
