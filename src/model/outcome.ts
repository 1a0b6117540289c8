/**
 * What one probe can end in, and what each ending proves about the link and about the service.
 * One probe gives two answers: a refusal proves the link good and the service bad.
 */

/** Outcome classes in code order: the index is the code carried in rings and typed arrays. */
export const OUTCOMES = [
  'ok', // the check passed
  'ok_slow', // passed, but a SYN or the request was retransmitted: good, with a loss mark
  'refused', // RST, ECONNREFUSED or ICMP port unreachable from the real server itself
  'l7', // connected, but the answer is wrong, unreadable, or never came although the request was acknowledged
  'timeout', // nothing came back
  'unreachable', // EHOSTUNREACH/ENETUNREACH: an ICMP from elsewhere, ARP failure, or no route behind the NIC
  'netdown', // ENETDOWN, ENODEV: the NIC itself
  'local_error', // our own trouble: EADDRNOTAVAIL, ENOBUFS, EMFILE, EPERM, DNS, cancelled
  'late', // measured while the prober was late or stalled, and not ok: proves nothing
  'ok_local', // the check passed, and nothing of it went through the NIC
  'bad_local', // it did not pass, and nothing of it went through the NIC
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const OK = 0;
export const OK_SLOW = 1;
export const REFUSED = 2;
export const L7 = 3;
export const TIMEOUT = 4;
export const UNREACHABLE = 5;
export const NETDOWN = 6;
export const LOCAL_ERROR = 7;
export const LATE = 8;
export const OK_LOCAL = 9;
export const BAD_LOCAL = 10;

/** Evidence values: good 1, bad -1, unknown 0; indexed by outcome code. */
export const LINK_EVIDENCE = Int8Array.of(1, 1, 1, 1, -1, -1, -1, 0, 0, 0, 0);
export const SERVICE_EVIDENCE = Int8Array.of(1, 1, -1, -1, -1, -1, 0, 0, 0, 1, -1);

const codes = new Map<string, number>(OUTCOMES.map((name, code) => [name, code]));

/** Code of an outcome name, or -1 when there is no such outcome. */
export function outcomeCode(name: string): number {
  return codes.get(name) ?? -1;
}

/** Where in its life a probe ended. The index is the code. */
export const PHASES = ['start', 'route', 'connect', 'tls', 'send', 'response', 'match', 'run'] as const;
export type Phase = (typeof PHASES)[number];

/** The finer reason inside a class, for people: the index is the code; `none` for ok, unless the check says a weight. */
export const CAUSES = [
  'none',
  'errno', // detail = errno
  'deadline', // nothing within the timeout
  'status', // detail = HTTP status
  'body', // body does not contain or match what is expected
  'digest', // MD5 of the body differs
  'invalid_reply', // reply is not what the protocol allows
  'closed', // the peer closed before a complete answer
  'tls', // handshake failed
  'certificate', // certificate not accepted
  'too_large', // reply above the size limit
  'exit_code', // detail = exit code of a script
  'signal', // script ended by a signal
  'late', // prober late; detail = lateness in ms
  'cancelled', // target removed or lane stopping
  'path_unverified', // without device binding the route could not be verified
  'unsupported', // this NIC or machine can't run the check
  'quarantined', // not probed: a probe of this cell held its thread; detail = seconds left
  'weight', // passed; detail = the weight that the check gives
  'weight_change', // passed; detail = what the check adds to the weight
  'value', // the number in a file says no; detail = it
  'insecure', // a script that others may change is not run
  'file', // a file is not there, or holds no number; detail = errno, or 0
  'length', // the reply is shorter or longer than wanted; detail = its bytes
  'reply', // the code in the reply is another than wanted; detail = that code (SMTP reply, DNS RCODE)
  'proxy_header', // 400 to a request behind a PROXY protocol header: the listener does not expect one
] as const;
export type Cause = (typeof CAUSES)[number];

/** Code of a phase. */
export function phaseCode(phase: Phase): number {
  return PHASES.indexOf(phase);
}

/** Code of a cause. */
export function causeCode(cause: Cause): number {
  return CAUSES.indexOf(cause);
}

/** Codes of the causes by which a check says something of the weight. */
export const WEIGHT = causeCode('weight');
export const WEIGHT_CHANGE = causeCode('weight_change');

/** Code of the cause of a cell in quarantine. */
export const QUARANTINED = causeCode('quarantined');

/**
 * One finished probe, as the engine and `fourlane probe` report it. Times in ms of the monotonic clock; rtt and elapsed in µs.
 */
export interface ProbeResult {
  readonly outcome: number;
  readonly phase: number;
  readonly cause: number;
  /** errno, HTTP status or exit code, by `cause`; else 0. */
  readonly detail: number;
  /** TCP handshake or reply round trip in µs; 0 = not measured. */
  readonly rttUs: number;
  readonly elapsedUs: number;
}
