/** errno values that a probe can meet, their names, and the outcome class each belongs to. */
import { LOCAL_ERROR, NETDOWN, REFUSED, TIMEOUT, UNREACHABLE } from '../model/outcome.ts';

export const EAGAIN = 11;
export const EACCES = 13;
export const ENODEV = 19;
export const EINPROGRESS = 115;
export const ECONNREFUSED = 111;
export const EPERM = 1;

const NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  11: 'EAGAIN',
  13: 'EACCES',
  19: 'ENODEV',
  22: 'EINVAL',
  23: 'ENFILE',
  24: 'EMFILE',
  32: 'EPIPE',
  92: 'ENOPROTOOPT',
  97: 'EAFNOSUPPORT',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
  100: 'ENETDOWN',
  101: 'ENETUNREACH',
  102: 'ENETRESET',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  105: 'ENOBUFS',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  112: 'EHOSTDOWN',
  113: 'EHOSTUNREACH',
};

/** Symbolic name of an errno, or `errno N`. */
export function errnoName(code: number): string {
  return NAMES[code] ?? `errno ${code}`;
}

/**
 * Outcome class of an error while connecting (attribution.md, section 3). Everything that is our own trouble (no ports, no memory,
 * no permission, no such address family) is LOCAL_ERROR: it proves nothing about anybody.
 */
export function connectOutcome(code: number): number {
  switch (code) {
    case ECONNREFUSED:
    case 104: // ECONNRESET during the handshake comes from the real server, like a refusal
      return REFUSED;
    case 110:
      return TIMEOUT;
    case 101:
    case 112:
    case 113:
      return UNREACHABLE;
    case ENODEV:
    case 100:
    case 6: // ENXIO
      return NETDOWN;
    default:
      return LOCAL_ERROR;
  }
}
