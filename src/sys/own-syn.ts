/** TCP options that this machine's kernel writes: those of a connection to ourselves, over loopback. */
import { constants } from 'node:os';
import {
  accept,
  bind,
  close,
  connect,
  errno,
  getsockname,
  getsockopt,
  IPPROTO_TCP,
  listen,
  poll,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  setsockopt,
  socket,
  TCP_SAVE_SYN,
  TCP_SAVED_SYN,
} from './libc.ts';
import { EINPROGRESS } from './errno.ts';
import { SOCKADDR_SIZE, sockaddrLength, sockaddrOf } from './sockaddr.ts';
import { abortOnClose, setMark } from './socket.ts';

const FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;
/** Of a handshake over loopback, which is over before connect(2) returns unless the CPU is very busy. */
const LIMIT_MS = 1000;
const MOST_HEADER = 256;
const { ETIMEDOUT } = constants.errno;
const LOOPBACK = { 4: { family: 4, ip: '127.0.0.1', port: 0 }, 6: { family: 6, ip: '::1', port: 0 } } as const;

/**
 * Connects to ourselves from a socket with this mark and returns the SYN as it arrived: IP and TCP header. Takes a millisecond;
 * nothing is sent to another machine.
 * @returns -errno when it can't
 */
export function synOfOwn(family: 4 | 6, mark: number): Uint8Array | number {
  const open: number[] = [];
  try {
    const address = Buffer.from(sockaddrOf(LOOPBACK[family]));
    const [server, client] = [socket(address[0]!, SOCK_STREAM | FLAGS, 0), socket(address[0]!, SOCK_STREAM | FLAGS, 0)];
    open.push(server, client);
    if (server < 0 || client < 0) return -errno();
    const size = sockaddrLength(address);
    const failed =
      setsockopt(server, IPPROTO_TCP, TCP_SAVE_SYN, int(1), 4) < 0 ||
      bind(server, address, size) < 0 ||
      listen(server, 1) < 0 ||
      getsockname(server, address, int(SOCKADDR_SIZE)) < 0;
    if (failed) return -errno();
    abortOnClose(client);
    const unmarked = setMark(client, mark);
    if (unmarked !== 0) return -unmarked;
    if (connect(client, address, size) < 0 && errno() !== EINPROGRESS) return -errno();
    const asked = Buffer.alloc(8);
    asked.writeInt32LE(server, 0);
    asked.writeInt16LE(POLLIN, 4);
    if (poll(asked, 1, LIMIT_MS) <= 0) return -ETIMEDOUT;
    const accepted = accept(server, FLAGS);
    if (accepted < 0) return -errno();
    open.push(accepted);
    const header = Buffer.alloc(MOST_HEADER);
    const length = int(MOST_HEADER);
    return getsockopt(accepted, IPPROTO_TCP, TCP_SAVED_SYN, header, length) < 0
      ? -errno()
      : header.subarray(0, length.readInt32LE(0));
  } finally {
    for (const fd of open) if (fd >= 0) close(fd);
  }
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value, 0);
  return bytes;
}

const IPV6_HEADER = 40;
const TCP_HEADER = 20;
const [END, PADDING] = [0, 1];

/** Options of the TCP header behind an IP header without extensions, each whole: kind, length, content. */
export function tcpOptions(header: Uint8Array): readonly Uint8Array[] {
  const tcp = header[0]! >> 4 === 6 ? IPV6_HEADER : 4 * (header[0]! & 0xf);
  const end = tcp + 4 * (header[tcp + 12]! >> 4);
  const options: Uint8Array[] = [];
  for (let at = tcp + TCP_HEADER; at < end && header[at] !== END; ) {
    const length = header[at] === PADDING ? 1 : header[at + 1]!;
    if (length === 0) break;
    options.push(header.subarray(at, at + length));
    at += length;
  }
  return options;
}
