/** Transactions: what must be so, what is then done, and what otherwise. At most 128 of each for etcd. */
import { bytesOf, decode } from './decode.ts';
import { encode } from './encode.ts';
import { type Header, NO_HEADER, readHeader } from './header.ts';
import { deleteRequest, type KeyRange, putRequest, type RangeAnswer, type RangeOptions, rangeRequest, readRange } from './kv.ts';

/** What a key must be equal in. Revisions; 0: there is no such key. */
export type Compare = { readonly key: string; readonly mod: number } | { readonly key: string; readonly create: number };

export type Operation =
  | { readonly op: 'put'; readonly key: string; readonly value: string | Uint8Array; readonly lease?: bigint }
  | { readonly op: 'delete'; readonly range: KeyRange }
  | { readonly op: 'range'; readonly range: KeyRange; readonly options?: RangeOptions };

export interface Txn {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
  readonly otherwise?: readonly Operation[];
}

/** Compare.CompareTarget, and the field that holds the revision. */
const CREATE = { target: 1, field: 5 };
const MOD = { target: 2, field: 6 };

export function txnRequest({ compare, operations, otherwise = [] }: Txn): Buffer {
  return encode({ 1: compare.map(compareMessage), 2: operations.map(operationMessage), 3: otherwise.map(operationMessage) });
}

function compareMessage(compare: Compare): Buffer {
  const [{ target, field }, revision] = 'mod' in compare ? [MOD, compare.mod] : [CREATE, compare.create];
  return encode({ 1: 0, 2: target, 3: compare.key, [field]: revision });
}

function operationMessage(operation: Operation): Buffer {
  switch (operation.op) {
    case 'range':
      return encode({ 1: rangeRequest(operation.range, operation.options) });
    case 'put':
      return encode({ 2: putRequest(operation.key, operation.value, operation.lease) });
    case 'delete':
      return encode({ 3: deleteRequest(operation.range) });
  }
}

export interface TxnAnswer {
  readonly header: Header;
  /** Whether all that was compared was so. */
  readonly succeeded: boolean;
  /** Answers of the ranges among what was done, in their order. */
  readonly ranges: readonly RangeAnswer[];
}

/** @throws WireError */
export function readTxn(bytes: Buffer): TxnAnswer {
  const ranges: RangeAnswer[] = [];
  const answer = { header: NO_HEADER, succeeded: false, ranges };
  decode(bytes, (number, value) => {
    if (number === 1) answer.header = readHeader(bytesOf(value));
    else if (number === 2) answer.succeeded = value !== 0;
    else if (number === 3)
      decode(bytesOf(value), (kind, inner) => {
        if (kind === 1) ranges.push(readRange(bytesOf(inner)));
      });
  });
  return answer;
}
