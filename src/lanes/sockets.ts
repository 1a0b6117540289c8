/** The sockets of probes: opening the right kind, and who is behind a refusal. */
import type { Judgement, SocketCheck } from '../checks/kind.ts';
import { causeCode, L7, LOCAL_ERROR, phaseCode, TIMEOUT, UNREACHABLE } from '../model/outcome.ts';
import { connectOutcome, EACCES, ECONNREFUSED, EPERM } from '../sys/errno.ts';
import { AF_INET, IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '../sys/libc.ts';
import { type Binding, icmpOffender, openBound, readTcpInfo, type TcpInfo } from '../sys/socket.ts';

const DEADLINE = causeCode('deadline');
/** Nobody answered the connection, or the datagram, by the deadline. */
export const noAnswer: Judgement = { outcome: TIMEOUT, phase: phaseCode('connect'), cause: DEADLINE, detail: 0 };
export const noReply: Judgement = { outcome: TIMEOUT, phase: phaseCode('response'), cause: DEADLINE, detail: 0 };
const noResponse: Judgement = { outcome: L7, phase: phaseCode('response'), cause: DEADLINE, detail: 0 };
/** Without device binding: through which NIC a probe would leave could not be verified. */
export const unverified: Judgement = {
  outcome: LOCAL_ERROR,
  phase: phaseCode('route'),
  cause: causeCode('path_unverified'),
  detail: 0,
};
/** TCP_RTO_MIN of the kernel. */
const MIN_RTO_MS = 200;

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

/** Whether something was sent again on a connection of a probe that has lasted `elapsed` ms. Before the kernel's least time-out
 * nothing is: no need to ask. @param tcp where to read what the kernel knows */
export function retransmitted(fd: number, elapsed: number, tcp: TcpInfo): boolean {
  return elapsed >= MIN_RTO_MS && readTcpInfo(fd, tcp) && tcp.retransmits > 0;
}

/**
 * What the deadline means in the middle of a dialogue. The kernel knows whether what we sent arrived: unacknowledged is the
 * path's fault, acknowledged is the server's. @param tcp gets what the kernel knows, a round trip of 0 when nothing
 */
export function expiry(fd: number, tcp: TcpInfo): Judgement {
  if (!readTcpInfo(fd, tcp)) {
    tcp.rttUs = 0;
    return noResponse;
  }
  return tcp.unacked > 0 || tcp.retransmits > 0 ? noReply : noResponse;
}
