/**
 * The control socket's frames (DPVS include/ctrl.h, x86-64), integers in host order:
 *
 *     request  24 B: u32 version@0 | u32 id@4 | u32 type@8 (0 = GET) | pad@12 | u64 length@16 | body@24
 *     reply    88 B: u32 version@0 | u32 id@4 | u32 type@8 | i32 error@12 | char text[64]@16 | u64 length@80 | body@88
 */
import { type Exact, exact } from '../../model/exact.ts';
import { MAX_BODY, type Message } from './messages.ts';

/** SOCKOPT_VERSION: the same in every release, so nothing about layouts follows from it. */
const VERSION = 0x0001_0000;
const GET = 0;
const REQUEST_HEAD = 24;
export const REPLY_HEAD = 88;

/** A reply that is not as DPVS writes it. */
export class DecodeError extends Error {
  constructor(place: string, found: string, wanted: string) {
    super(`${place}: ${found}; expected ${wanted}`);
    this.name = 'DecodeError';
  }
}

/** DPVS answered with an error code (include/conf/common.h). */
export class ControlError extends Error {
  readonly code: number;
  constructor(message: Message, code: number, text: string) {
    super(`${message}: DPVS answers ${text === '' ? 'an error' : JSON.stringify(text)} (${code})`);
    this.name = 'ControlError';
    this.code = code;
  }
}

/** A request; always GET. */
export function encodeRequest(id: number, body: Uint8Array): Buffer {
  const frame = Buffer.alloc(REQUEST_HEAD + body.length);
  frame.writeUInt32LE(VERSION, 0);
  frame.writeUInt32LE(id, 4);
  frame.writeUInt32LE(GET, 8);
  frame.writeBigUInt64LE(BigInt(body.length), 16);
  frame.set(body, REQUEST_HEAD);
  return frame;
}

/** Checks a reply's head. @returns bytes of the whole reply. @throws DecodeError, ControlError */
export function replyLength(message: Message, id: number, head: Buffer): number {
  const [version, got, type] = [head.readUInt32LE(0), head.readUInt32LE(4), head.readUInt32LE(8)];
  if (version !== VERSION || got !== id || type !== GET) {
    const found = `version 0x${version.toString(16)}, id ${got}, type ${type}`;
    throw new DecodeError(`${message}: head of the reply`, found, `version 0x${VERSION.toString(16)}, id ${id}, type ${GET}`);
  }
  const code = head.readInt32LE(12);
  const length = u64(head, 80);
  if (length > MAX_BODY) throw new DecodeError(`${message}: head of the reply`, `a length of ${length}`, `at most ${MAX_BODY}`);
  if (code !== 0) throw new ControlError(message, code, text(head, 16, 64));
  return REPLY_HEAD + Number(length);
}

export function u64(bytes: Buffer, at: number): Exact {
  const high = bytes.readUInt32LE(at + 4);
  const low = bytes.readUInt32LE(at);
  return high < 0x20_0000 ? high * 0x1_0000_0000 + low : exact((BigInt(high) << 32n) | BigInt(low));
}

/** A char array up to its NUL, without characters that would spoil a label. */
export function text(bytes: Buffer, at: number, size: number): string {
  const end = bytes.subarray(at, at + size).indexOf(0);
  return bytes.toString('latin1', at, at + (end < 0 ? size : end)).replace(/[^ -~]/g, '?');
}

/** @throws DecodeError unless the body has exactly this many bytes */
export function exactly(message: Message, body: Buffer, size: number): void {
  if (body.length !== size) throw new DecodeError(message, `${body.length} bytes`, `${size}`);
}

/**
 * Entries of a list: `front` bytes, then `count` entries of `size`. `spare`: more bytes may follow.
 * @throws DecodeError when the bytes are not that many
 */
export function entries<T>(
  message: Message,
  body: Buffer,
  { front, size, count, spare = false }: { front: number; size: number; count: number; spare?: boolean },
  decode: (at: number) => T,
): T[] {
  const need = front + count * size;
  if (count < 0 || body.length < need || (!spare && body.length !== need)) {
    throw new DecodeError(message, `${body.length} bytes`, `${front} + ${count} × ${size}`);
  }
  const list: T[] = [];
  for (let i = 0, at = front; i < count; i++, at += size) list.push(decode(at));
  return list;
}

/** @throws DecodeError unless the body has at least this many bytes */
export function atLeast(message: Message, body: Buffer, size: number): void {
  if (body.length < size) throw new DecodeError(message, `${body.length} bytes`, `at least ${size}`);
}
