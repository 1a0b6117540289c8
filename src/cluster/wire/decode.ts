/** Protocol buffers, read: a walk over the fields of one message. */

/** A varint as a number where that is exact, otherwise as a bigint; bytes as a view of the message. */
export type Field = number | bigint | Buffer;

/** Bytes that are no message: the connection that they came on is given up. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}

/** Bits that fit into a number exactly, in groups of seven. */
const EXACT_BITS = 49;
const MOST_BITS = 63;

/**
 * Calls `field` with each field of a message. Fixed-width fields, of which etcd has none, are passed over.
 * @throws WireError when the bytes are no message
 */
export function decode(bytes: Buffer, field: (number: number, value: Field) => void): void {
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const tag = Number(varint(bytes, cursor));
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        field(number, varint(bytes, cursor));
        break;
      case 1:
        cursor.at += 8;
        break;
      case 2: {
        const end = Number(varint(bytes, cursor)) + cursor.at;
        if (end > bytes.length) throw new WireError(`field ${number} ends at byte ${end} of a message of ${bytes.length}`);
        field(number, bytes.subarray(cursor.at, end));
        cursor.at = end;
        break;
      }
      case 5:
        cursor.at += 4;
        break;
      default:
        throw new WireError(`field ${number} is of the unknown kind ${tag % 8}`);
    }
  }
  if (cursor.at > bytes.length) throw new WireError('the message is cut off');
}

function varint(bytes: Buffer, cursor: { at: number }): number | bigint {
  const start = cursor.at;
  let low = 0;
  let shift = 0;
  for (;;) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new WireError('the message is cut off');
    if (shift < EXACT_BITS) low += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte < 128) break;
    if (shift > MOST_BITS) throw new WireError('a number has more than 64 bits');
  }
  if (shift <= EXACT_BITS) return low;
  let big = 0n;
  for (let i = cursor.at - 1; i >= start; i--) big = (big << 7n) | BigInt(bytes[i]! & 127);
  return BigInt.asUintN(64, big);
}

/** A field of the message: a message inside it is its bytes. @throws WireError when it is no such field */
export function bytesOf(value: Field): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new WireError('found a number where bytes are expected');
}

/** A number that fits into 53 bits: revisions, terms, sizes. @throws WireError when it is no number */
export function numberOf(value: Field): number {
  if (Buffer.isBuffer(value)) throw new WireError('found bytes where a number is expected');
  return Number(BigInt.asIntN(64, BigInt(value)));
}

/** An id of 64 bits, unsigned. @throws WireError when it is no number */
export function idOf(value: Field): bigint {
  if (Buffer.isBuffer(value)) throw new WireError('found bytes where a number is expected');
  return BigInt(value);
}

export function textOf(value: Field): string {
  return bytesOf(value).toString();
}
