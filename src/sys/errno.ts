/** errno values that a probe can meet, their names, and the outcome class each belongs to. */
import { constants } from 'node:os';
import { LOCAL_ERROR, NETDOWN, REFUSED, TIMEOUT, UNREACHABLE } from '../model/outcome.ts';

export const { EACCES, EAGAIN, ECONNREFUSED, ECONNRESET, EINPROGRESS, EINVAL, ENOBUFS, ENOENT, EPERM, EPIPE, ESRCH } =
  constants.errno;
/** Not among Node's constants. */
const EHOSTDOWN = 112;

/** Several names of one number: the first one listed is the one that manual pages use. */
const NAMES = new Map(
  [...Object.entries(constants.errno), ['EHOSTDOWN', EHOSTDOWN] as const].toReversed().map(([name, code]) => [code, name]),
);

/** Symbolic name of an errno, or `errno N`. */
export function errnoName(code: number): string {
  return NAMES.get(code) ?? `errno ${code}`;
}

/**
 * Outcome class of an error while connecting (attribution.md, section 3). Everything that is our own trouble (no ports, no
 * memory, no permission, no such address family) is LOCAL_ERROR: it proves nothing about anybody.
 */
export function connectOutcome(code: number): number {
  switch (code) {
    case ECONNREFUSED:
    case ECONNRESET: // during the handshake it comes from the real server, like a refusal
      return REFUSED;
    case constants.errno.ETIMEDOUT:
      return TIMEOUT;
    case constants.errno.ENETUNREACH:
    case constants.errno.EHOSTUNREACH:
    case EHOSTDOWN:
      return UNREACHABLE;
    case constants.errno.ENODEV:
    case constants.errno.ENETDOWN:
    case constants.errno.ENXIO:
      return NETDOWN;
    default:
      return LOCAL_ERROR;
  }
}
