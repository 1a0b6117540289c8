/** What is found of how a real server gets the address of the client: every cause, once. */

/** Findings never change what is served: a real server with one serves. */
export const FINDINGS = {
  ADDRESS_LOST: 'the real server takes another address for that of the client: in logs, limits and access lists',
  PORT_CHANGED: 'the address arrives, with another port: something translates before the VIP',
  DATA_PLANE_MISMATCH: 'the data plane is not set to what the service declares',
  HEADER_MISMATCH: 'check, declaration and listener do not agree on the PROXY header',
  UNGUARDED: 'a header that a client sends itself counts: it can be any client',
  NOT_SENT: 'this machine lacks what sending the option takes: it says nothing of the real server',
} as const;
export type Finding = keyof typeof FINDINGS;

/** Cause → finding; undefined: it could not be verified, and that is nothing to be mended here. */
const TABLE = {
  load_balancer: 'ADDRESS_LOST',
  empty: 'ADDRESS_LOST',
  other: 'ADDRESS_LOST',
  port: 'PORT_CHANGED',
  data_plane: 'DATA_PLANE_MISMATCH',
  insecure: 'UNGUARDED',
  check: 'HEADER_MISMATCH',
  header_refused: 'HEADER_MISMATCH',
  header_expected: 'HEADER_MISMATCH',
  header_closed: 'HEADER_MISMATCH',
  open: 'UNGUARDED',
  unreachable: undefined,
  no_echo: undefined,
  not_sent: 'NOT_SENT',
  vip_here: undefined,
} as const satisfies Readonly<Record<string, Finding | undefined>>;

export type Cause = keyof typeof TABLE;

export const CAUSES = Object.keys(TABLE) as readonly Cause[];

/** The finding of a cause; undefined when nothing could be seen. */
export function findingOf(cause: Cause): Finding | undefined {
  return TABLE[cause];
}

/**
 * P0: what the checks send. P1: what the listener takes. P2: what the real server believes of a header, P5: of a TCP option. P3:
 * what comes through the VIP.
 */
export type Level = 'P0' | 'P1' | 'P2' | 'P3' | 'P5';

export interface Verified {
  readonly level: Level;
  /** Left out: all is as declared. */
  readonly cause?: Cause;
  /** What was found, in words. */
  readonly found: string;
}

/** `ok`: as declared. `mismatch`: not so. `unknown`: it could not be seen. */
export type Result = 'ok' | 'mismatch' | 'unknown';

export function resultOf({ cause }: Pick<Verified, 'cause'>): Result {
  if (cause === undefined) return 'ok';
  const finding = findingOf(cause);
  return finding === undefined || finding === 'NOT_SENT' ? 'unknown' : 'mismatch';
}
