/** Messages of etcd's Lease service. Times to live are whole seconds. */
import { bytesOf, decode, idOf, numberOf, textOf } from './decode.ts';
import { encode } from './encode.ts';
import { type Header, NO_HEADER, readHeader } from './header.ts';

/** A new lease whose id etcd chooses. */
export function grantRequest(ttl: number): Buffer {
  return encode({ 1: ttl });
}

/** Renews or revokes a lease: both messages are its id. */
export function leaseRequest(id: bigint): Buffer {
  return encode({ 1: id });
}

export interface LeaseAnswer {
  readonly header: Header;
  readonly id: bigint;
  /** Granted, or renewed to; of a renewal 0: the lease is gone. */
  readonly ttl: number;
  /** Why it was not granted; '': it was. */
  readonly error: string;
}

/** The answer to a grant or to a renewal. @throws WireError */
export function readLease(bytes: Buffer): LeaseAnswer {
  const answer = { header: NO_HEADER, id: 0n, ttl: 0, error: '' };
  decode(bytes, (number, value) => {
    if (number === 1) answer.header = readHeader(bytesOf(value));
    else if (number === 2) answer.id = idOf(value);
    else if (number === 3) answer.ttl = numberOf(value);
    else if (number === 4) answer.error = textOf(value);
  });
  return answer;
}
