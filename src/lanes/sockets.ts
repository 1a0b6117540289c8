/** The sockets of probes: opening the right kind, and who is behind a refusal. */
import type { SocketCheck } from '../checks/kind.ts';
import { UNREACHABLE } from '../model/outcome.ts';
import { connectOutcome, EACCES, ECONNREFUSED, EPERM } from '../sys/errno.ts';
import { AF_INET, IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '../sys/libc.ts';
import { type Binding, icmpOffender, openBound } from '../sys/socket.ts';

/** A bound socket for a transport: fd, or -errno. */
export function openFor(transport: SocketCheck['transport'], binding: Binding, family: number): number {
  if (transport === 'stream') return openBound(binding, family, SOCK_STREAM, 0);
  if (transport === 'datagram') return openBound(binding, family, SOCK_DGRAM, 0);
  const protocol = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  const fd = openBound(binding, family, SOCK_DGRAM, protocol);
  // net.ipv4.ping_group_range excludes us: a raw socket does the same where CAP_NET_RAW is held.
  return fd === -EACCES || fd === -EPERM ? openBound(binding, family, SOCK_RAW, protocol) : fd;
}

/**
 * Outcome class of a failed connect; a refusal that a router sent by ICMP is `unreachable`, as far as the socket kept ICMP
 * errors.
 */
export function outcomeOf(code: number, fd: number, sockaddr: Uint8Array): number {
  if (code === ECONNREFUSED) {
    const offender = icmpOffender(fd);
    const at = sockaddr[0] === AF_INET ? 4 : 8;
    if (offender !== undefined && Buffer.compare(offender, sockaddr.subarray(at, at + offender.length)) !== 0) return UNREACHABLE;
  }
  return connectOutcome(code);
}
