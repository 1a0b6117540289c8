/** A connection to one member of etcd as its users see it: calls, streams, and nothing of gRPC. */
import type { Method } from '../wire/methods.ts';

/** A call or stream that ended with a status of gRPC. */
export class RpcError extends Error {
  /** A status of gRPC: `CODES`. */
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
  }
}

export interface StreamEvents {
  message(bytes: Buffer): void;
  /** Once, unless `close` was called before. */
  ended(error: Error): void;
}

export interface Stream {
  write(message: Buffer): void;
  /** Messages wait at the member until `resume`. */
  pause(): void;
  resume(): void;
  /** Nothing is reported any more. */
  close(): void;
}

/** Any doubt about a link ends it: who used it dials again. */
export interface Link {
  readonly endpoint: string;
  /**
   * One request, one answer. Rejects with RpcError. A call that was not answered in time may have been carried out all the same.
   */
  call(method: Method, request: Buffer, timeoutMs: number): Promise<Buffer>;
  /** Opens a stream, sends one message, and resolves with the first one that comes. Rejects with RpcError. */
  first(method: Method, request: Buffer, timeoutMs: number): Promise<Buffer>;
  stream(method: Method, events: StreamEvents): Stream;
  /** Whether its certificates have been replaced on the disk by others that can be used. */
  outdated(): Promise<boolean>;
  close(): void;
}

/** Makes a link; the connection itself is made by the first call. Rejects when the certificates can't be read. */
export type Dial = (endpoint: string) => Promise<Link>;

/** Status codes of gRPC that something depends on. */
export const CODES = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Errors that a person must end: asking at once again does not help. */
const LASTING: ReadonlySet<number> = new Set([CODES.permissionDenied, CODES.unauthenticated]);

/** Whether a person must end this error; etcd's refusal while its users change looks like one, and is none. */
export function isLasting(error: unknown): boolean {
  return error instanceof RpcError && LASTING.has(error.code);
}

/** Whether etcd has no room for anything new: only compaction, defragmentation and disarming its alarm end that. */
export function isFull(error: unknown): boolean {
  return error instanceof RpcError && error.code === CODES.resourceExhausted && error.message.includes('space exceeded');
}

const OF_REQUEST: ReadonlySet<number> = new Set([
  CODES.invalidArgument,
  CODES.notFound,
  CODES.failedPrecondition,
  CODES.outOfRange,
]);

/** Whether the request is refused for what it asks, by every member alike. */
export function isOfRequest(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  // A change of etcd's users raced with the request: the next one is fine.
  if (error.message.includes('auth store is old')) return false;
  return OF_REQUEST.has(error.code) || isFull(error);
}
