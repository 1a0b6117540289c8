/** A DNS message that asks (RFC 1035, sections 4.1 and 4.2.2), and what its answer must be. */
import { randomInt } from 'node:crypto';
import { wrong, passed } from './judgement.ts';
import type { End, Exchange } from './kind.ts';

/** Types of records by name (IANA, DNS parameters). */
export const QUERY_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  RRSIG: 46,
  DNSKEY: 48,
  CAA: 257,
  ANY: 255,
} as const;
export type QueryType = keyof typeof QUERY_TYPES;

/** Of a name as text: 255 bytes on the wire. */
export const LONGEST_NAME = 253;
const HEADER = 12;
const RECURSION_DESIRED = 0x0100;
const IS_RESPONSE = 0x80;
const RCODE = 0x0f;

/** The question without its id, which is the first two bytes. @param name labels of at most 63 bytes, `.` for the root */
export function questionOf(name: string, type: number): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const parts = labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(RECURSION_DESIRED, 2);
  header.writeUInt16BE(1, 4);
  const end = Buffer.alloc(5);
  end.writeUInt16BE(type, 1);
  end.writeUInt16BE(1, 3);
  return Buffer.concat([header, ...parts, end]);
}

export class DnsQuestion implements Exchange {
  readonly #question: Buffer;
  readonly #stream: boolean;
  readonly #id = randomInt(0x10000);
  /** Of a stream: the beginning of the message, and how much of it has come, the two bytes of its length included. */
  readonly #start: Buffer;
  #came = 0;

  /** @param stream each message has its length before it */
  constructor(question: Buffer, stream: boolean) {
    this.#question = question;
    this.#stream = stream;
    this.#start = Buffer.alloc(stream ? HEADER + 2 : 0);
  }

  request(into: Buffer): number {
    const at = this.#stream ? into.writeUInt16BE(this.#question.length) : 0;
    this.#question.copy(into, at);
    into.writeUInt16BE(this.#id, at);
    return at + this.#question.length;
  }

  feed(chunk: Buffer): End | undefined {
    if (!this.#stream) return this.#judge(chunk);
    chunk.copy(this.#start, this.#came);
    this.#came += chunk.length;
    if (this.#came < 2) return undefined;
    const length = this.#start.readUInt16BE();
    if (length < HEADER) return wrong('response', 'invalid_reply');
    if (this.#came < length + 2) return undefined;
    // A stream carries nobody else's messages: what answers something else is no DNS.
    return this.#judge(this.#start.subarray(2)) ?? wrong('response', 'invalid_reply');
  }

  closed(): End {
    return wrong('response', 'closed');
  }

  /** @returns undefined for a message that answers something else: whoever sent it, the answer may still come */
  #judge(message: Buffer): End | undefined {
    if (message.length < HEADER || message.readUInt16BE() !== this.#id) return undefined;
    if ((message[2]! & IS_RESPONSE) === 0) return undefined;
    const rcode = message[3]! & RCODE;
    return rcode === 0 ? passed : wrong('match', 'reply', rcode);
  }
}
