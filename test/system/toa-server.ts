/**
 * Stands for an HTTP server on a machine with toa.ko, on any Linux: it takes the address from the TOA option of the SYN, which
 * the kernel keeps for it, and answers with that, or else with the peer's.
 */
import { once } from 'node:events';
import { Socket } from 'node:net';
import koffi from 'koffi';
import { accept, close, getsockopt, IPPROTO_TCP, listen, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../src/sys/libc.ts';
import { bind, getsockname, setsockopt, socket, TCP_SAVE_SYN, TCP_SAVED_SYN } from '../../src/sys/libc.ts';
import { tcpOptions } from '../../src/sys/own-syn.ts';
import { SOCKADDR_SIZE, sockaddrLength, sockaddrOf, unpackSockaddr } from '../../src/sys/sockaddr.ts';

const FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;
const EVERY_MS = 2;

const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

/** The address in option `kind` of an accepted connection's SYN; undefined without it. */
function optionOf(fd: number, kind: number): string | undefined {
  const header = Buffer.alloc(256);
  if (getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, header, int(header.length)) < 0) throw new Error(`errno ${koffi.errno()}`);
  const option = tcpOptions(header).find(([first]) => first === kind);
  if (option === undefined) return undefined;
  const { length } = option;
  return unpackSockaddr(
    Buffer.concat([
      Buffer.from([length === 8 ? 2 : 10, 0]),
      option.subarray(2, 4),
      Buffer.alloc(length === 8 ? 0 : 4),
      option.subarray(4),
      Buffer.alloc(8),
    ]),
  ).ip;
}

export interface ToaServer {
  readonly port: number;
  close(): void;
}

/** Listens at a free port of `ip`; takes options of this kind. */
export function serveToa(ip: string, kind: number): ToaServer {
  const address = Buffer.from(sockaddrOf({ family: ip.includes(':') ? 6 : 4, ip, port: 0 }));
  const server = socket(address[0]!, SOCK_STREAM | FLAGS, 0);
  const failed =
    setsockopt(server, IPPROTO_TCP, TCP_SAVE_SYN, int(1), 4) < 0 ||
    bind(server, address, sockaddrLength(address)) < 0 ||
    listen(server, 128) < 0 ||
    getsockname(server, address, int(SOCKADDR_SIZE)) < 0;
  if (failed) throw new Error(`errno ${koffi.errno()}`);
  const timer = setInterval(() => {
    for (let fd = accept(server, FLAGS); fd >= 0; fd = accept(server, FLAGS)) void answer(fd, kind);
  }, EVERY_MS);
  return {
    port: unpackSockaddr(address).port,
    close: () => {
      clearInterval(timer);
      close(server);
    },
  };
}

async function answer(fd: number, kind: number): Promise<void> {
  const client = optionOf(fd, kind);
  const connection = new Socket({ fd });
  connection.on('error', () => undefined); // probes end by RST
  await once(connection, 'data');
  connection.end(`HTTP/1.0 200 OK\r\n\r\nclient ${client ?? connection.remoteAddress}\n`);
}
