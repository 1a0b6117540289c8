/**
 * Every error with a code: whose fault it is, and the status of its answer over HTTP. docs/errors.md is checked against this
 * table.
 */

export const ERRORS = {
  CONFIG_INVALID: { side: 'user', status: 400 },
  CONFIG_UNREADABLE: { side: 'user', status: 400 },
  STATE_DAMAGED: { side: 'system', status: 500 },
  STATE_UNWRITABLE: { side: 'system', status: 500 },
  STATE_IN_USE: { side: 'user', status: 500 },
  LISTEN_FAILED: { side: 'user', status: 500 },
  NO_AGENT: { side: 'user', status: 503 },
  NOT_FOUND: { side: 'user', status: 404 },
  METHOD_NOT_ALLOWED: { side: 'user', status: 405 },
  BODY_TOO_LARGE: { side: 'user', status: 413 },
  UNAUTHORIZED: { side: 'user', status: 401 },
  FORBIDDEN: { side: 'user', status: 403 },
  RATE_LIMITED: { side: 'user', status: 429 },
  BAD_REQUEST: { side: 'user', status: 400 },
  EVIDENCE_INVALID: { side: 'user', status: 400 },
  CLUSTER_INVALID: { side: 'user', status: 409 },
  CLUSTER_CONFLICT: { side: 'user', status: 409 },
  CLUSTER_UNREACHABLE: { side: 'system', status: 503 },
  USAGE: { side: 'user', status: 400 },
  NOT_READY: { side: 'system', status: 503 },
  STALLED: { side: 'system', status: 503 },
  OVERLOADED: { side: 'user', status: 503 },
  INTERNAL: { side: 'system', status: 500 },
} as const;
export type ErrorCode = keyof typeof ERRORS;

/** An error with a code from the table; `message` names place, value and remedy. */
export class FourlaneError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FourlaneError';
    this.code = code;
  }
}

/** The code of anything caught: what no code was given is a defect of the agent. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof FourlaneError ? error.code : 'INTERNAL';
}
