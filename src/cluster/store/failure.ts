/** Failures of etcd for people: what it answered, and what to do. */
import { FourlaneError } from '../../model/errors.ts';
import { CODES, isFull, RpcError } from '../transport/link.ts';

const REMEDIES: ReadonlyMap<number, string> = new Map([
  [CODES.permissionDenied, 'this certificate may not do that: use that of the API (fourlane cluster init makes it)'],
  [CODES.unauthenticated, 'etcd does not know this certificate: fourlane cluster init makes users and roles'],
  [CODES.failedPrecondition, 'etcd does not know this user: fourlane cluster init makes users and roles'],
]);
const FULL = 'etcd is full: compact and defragment it, then `etcdctl alarm disarm`; set --auto-compaction-retention';

/** CLUSTER_UNREACHABLE for a call that failed; an error that has a code already stays. */
export function unreachable(error: unknown): FourlaneError {
  if (error instanceof FourlaneError) return error;
  // @grpc/grpc-js ends some of its messages with a note that is mostly empty.
  const message = (error as Error).message.replace(/\.?\s*Resolution note:\s*$/, '');
  const code = error instanceof RpcError ? error.code : undefined;
  const known = isFull(error) ? FULL : code === undefined ? undefined : REMEDIES.get(code);
  const remedy = known ?? 'look whether the members run and can be reached from here; the servers go on with what they have';
  return new FourlaneError('CLUSTER_UNREACHABLE', `etcd: ${message}; ${remedy}`, { cause: error });
}
