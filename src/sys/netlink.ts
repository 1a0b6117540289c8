/**
 * Netlink's bytes: messages and attributes, checked as they are read. Everything is in host order (little endian on the machines
 * we run on) unless stated otherwise; sizes and names from linux/netlink.h.
 */

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const HEADER = 16;
const NESTED = 0x8000;
/** Without the flags for "nested" and "network byte order". */
const TYPE_MASK = 0x3fff;

/** Bytes that are no netlink message. */
export class NetlinkFormatError extends Error {
  constructor(what: string) {
    super(`not a netlink message: ${what}`);
    this.name = 'NetlinkFormatError';
  }
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** nlmsghdr and payload. */
export function message({ type, flags, sequence, payload }: NetlinkMessage): Buffer {
  const bytes = Buffer.alloc(HEADER + payload.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.set(payload, HEADER);
  return bytes;
}

/** The messages of one datagram; payloads share its memory. @throws NetlinkFormatError */
export function parseMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at < datagram.length) {
    if (datagram.length - at < HEADER) throw new NetlinkFormatError(`${datagram.length - at} bytes are left, a header has 16`);
    const length = datagram.readUInt32LE(at);
    if (length < HEADER || length > datagram.length - at) {
      throw new NetlinkFormatError(`a length of ${length}, with ${datagram.length - at} bytes left`);
    }
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + HEADER, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** The errno of an NLMSG_ERROR or NLMSG_DONE, positive; 0: an acknowledgement. @throws NetlinkFormatError */
export function errnoOf(payload: Buffer): number {
  if (payload.length < 4) throw new NetlinkFormatError(`an error of ${payload.length} bytes`);
  const negative = payload.readInt32LE(0);
  if (negative > 0) throw new NetlinkFormatError(`an error number of ${negative}, which should be negative`);
  return negative === 0 ? 0 : -negative;
}

/** One attribute with its padding. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(aligned(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

/** An attribute that holds attributes. */
export function nested(type: number, ...attributes: readonly Buffer[]): Buffer {
  return attribute(type | NESTED, Buffer.concat(attributes));
}

export type Attributes = ReadonlyMap<number, Buffer>;

/** Attributes by type, in their order; of one that comes twice the last counts. @throws NetlinkFormatError */
export function parseAttributes(bytes: Buffer): Attributes {
  const attributes = new Map<number, Buffer>();
  let at = 0;
  // Less than a header may follow the last one as padding.
  while (bytes.length - at >= 4) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || length > bytes.length - at) {
      throw new NetlinkFormatError(`an attribute of ${length} bytes, with ${bytes.length - at} left`);
    }
    attributes.set(bytes.readUInt16LE(at + 2) & TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += aligned(length);
  }
  return attributes;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** Ports are in network byte order. */
export function u16be(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
