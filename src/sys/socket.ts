/** Non-blocking sockets bound to a device: the ground every probe stands on. */
import {
  AF_INET,
  addressOf,
  bind,
  close,
  errno,
  getsockopt,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_RECVERR,
  MSG_ERRQUEUE,
  recvmsg,
  SO_BINDTODEVICE,
  SO_MARK,
  SO_ERROR,
  SO_LINGER,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  setsockopt,
  socket,
  TCP_INFO,
} from './libc.ts';

const linger = Buffer.alloc(8);
linger.writeInt32LE(1, 0);
const one = Buffer.alloc(4);
one.writeInt32LE(1, 0);
const length = Buffer.alloc(4);
const int = Buffer.alloc(4);
const info = Buffer.alloc(256);

/** How sockets of a lane are tied to their NIC. */
export interface Binding {
  /** Device name with trailing NUL for SO_BINDTODEVICE; undefined = not bound (verified local address instead). */
  readonly device: Uint8Array | undefined;
  /** Local address to bind to, packed, by family; undefined = the kernel's choice. */
  readonly source4: Uint8Array | undefined;
  readonly source6: Uint8Array | undefined;
}

/**
 * A non-blocking socket bound to the lane's device and source.
 * @returns fd, or -errno when the machine refuses (EMFILE, ENODEV when the device is gone, EPERM, EADDRNOTAVAIL…).
 */
export function openBound(binding: Binding, family: number, type: number, protocol: number): number {
  const fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) return -errno();
  const { device } = binding;
  if (device !== undefined && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, device.length) < 0) return failed(fd);
  const source = family === AF_INET ? binding.source4 : binding.source6;
  if (source !== undefined && bind(fd, source, family === AF_INET ? 16 : 28) < 0) return failed(fd);
  return fd;
}

function failed(fd: number): number {
  const code = errno();
  close(fd);
  return -code;
}

/** Gives the packets of a socket a firewall mark. @returns 0, or errno */
export function setMark(fd: number, mark: number): number {
  int.writeUInt32LE(mark);
  return setsockopt(fd, SOL_SOCKET, SO_MARK, int, 4) < 0 ? errno() : 0;
}

/** Makes close() send RST at once: no TIME_WAIT is left behind by a probe, whatever the rate. */
export function abortOnClose(fd: number): void {
  setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, 8);
}

/** Makes the kernel keep ICMP errors with their sender, for `icmpOffender`. */
export function keepIcmpErrors(fd: number, family: number): void {
  if (family === AF_INET) setsockopt(fd, IPPROTO_IP, IP_RECVERR, one, 4);
  else setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, one, 4);
}

/** Takes and clears the socket's pending error; 0 = none. */
export function takeError(fd: number): number {
  length.writeInt32LE(4);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, int, length) < 0 ? errno() : int.readInt32LE(0);
}

/**
 * What TCP_INFO has about a connection: state, handshake RTT in µs, segments retransmitted (SYN included), segments not
 * acknowledged.
 */
export interface TcpInfo {
  /** TCP_ESTABLISHED, TCP_SYN_SENT … of linux/tcp.h. */
  state: number;
  rttUs: number;
  retransmits: number;
  unacked: number;
}

/** Reads TCP_INFO into `into`; false when the kernel has none. Offsets: struct tcp_info of linux/tcp.h. */
export function readTcpInfo(fd: number, into: TcpInfo): boolean {
  length.writeInt32LE(104);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length) < 0) return false;
  into.state = info[0]!;
  into.unacked = info.readUInt32LE(24);
  into.rttUs = info.readUInt32LE(68);
  into.retransmits = info.readUInt32LE(100);
  return true;
}

const control = Buffer.alloc(512);
const from = Buffer.alloc(28);
const payload = Buffer.alloc(64);
const iov = Buffer.alloc(16);
const message = Buffer.alloc(56);

/**
 * Sender of the ICMP error queued on a socket that had `keepIcmpErrors`: 16 or 4 address bytes, or undefined when the error did
 * not come by ICMP (a RST). Needed because a router's "port unreachable" looks like the real server's refusal.
 */
export function icmpOffender(fd: number): Uint8Array | undefined {
  iov.writeBigUInt64LE(addressOf(payload), 0);
  iov.writeBigUInt64LE(BigInt(payload.length), 8);
  message.fill(0);
  message.writeBigUInt64LE(addressOf(from), 0);
  message.writeUInt32LE(from.length, 8);
  message.writeBigUInt64LE(addressOf(iov), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(addressOf(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  if (recvmsg(fd, message, MSG_ERRQUEUE) < 0) return undefined;
  const end = Number(message.readBigUInt64LE(40));
  for (let at = 0; at + 16 <= end; ) {
    const size = Number(control.readBigUInt64LE(at));
    if (size < 16) return undefined;
    const v4 = control.readInt32LE(at + 8) === IPPROTO_IP && control.readInt32LE(at + 12) === IP_RECVERR;
    const v6 = control.readInt32LE(at + 8) === IPPROTO_IPV6 && control.readInt32LE(at + 12) === IPV6_RECVERR;
    // sock_extended_err is 16 bytes: ee_errno u32, ee_origin u8 (2 = ICMP, 3 = ICMPv6); the offender's sockaddr follows.
    if ((v4 && control[at + 20] === 2) || (v6 && control[at + 20] === 3)) {
      const sockaddr = at + 32;
      return control.readUInt16LE(sockaddr) === AF_INET
        ? control.subarray(sockaddr + 4, sockaddr + 8)
        : control.subarray(sockaddr + 8, sockaddr + 24);
    }
    at += (size + 7) & ~7;
  }
  return undefined;
}
