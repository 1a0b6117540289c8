/** ping: ICMP echo by an unprivileged datagram socket (or a raw one where those are not permitted), IPv4 and IPv6. */
import { randomFillSync } from 'node:crypto';
import * as z from 'zod';
import { passed, wrong } from './judgement.ts';
import { checkKind, type Exchange, type Judgement, type SocketCheck } from './kind.ts';

const schema = z.strictObject({ size: z.int().min(8).max(1400).default(56).describe('payload bytes') });
const TOKEN = 8;

export const ping = checkKind({
  name: 'ping',
  needsPort: false,
  summary: 'ICMP echo',
  schema,
  prepare({ size }, address): SocketCheck {
    return { transport: 'icmp', begin: () => new Echo(address.family, size) };
  },
});

/**
 * The random token in the payload is what ties a reply to its request: raw sockets see every ICMP message of the host, and the
 * kernel rewrites the identifier of datagram sockets.
 */
class Echo implements Exchange {
  readonly #family: 4 | 6;
  readonly #size: number;
  readonly #token = randomFillSync(Buffer.alloc(TOKEN));

  constructor(family: 4 | 6, size: number) {
    this.#family = family;
    this.#size = size;
  }

  request(into: Buffer): number {
    const length = 8 + this.#size;
    into.fill(0, 0, length);
    into[0] = this.#family === 4 ? 8 : 128;
    into.writeUInt16BE(1, 6);
    this.#token.copy(into, 8);
    // Kernel fills in identifier and checksum of datagram sockets and of ICMPv6; raw ICMPv4 needs its own checksum.
    if (this.#family === 4) into.writeUInt16BE(checksum(into, length), 2);
    return length;
  }

  feed(chunk: Buffer): Judgement | undefined {
    const header = this.#family === 4 && chunk[0]! >> 4 === 4 ? (chunk[0]! & 15) * 4 : 0;
    const reply = chunk[header] === (this.#family === 4 ? 0 : 129);
    return reply && chunk.subarray(header + 8, header + 8 + TOKEN).equals(this.#token) ? passed : undefined;
  }

  closed(): Judgement {
    return wrong('response', 'closed');
  }
}

function checksum(data: Buffer, length: number): number {
  let sum = 0;
  for (let i = 0; i + 1 < length; i += 2) sum += data.readUInt16BE(i);
  if (length % 2 === 1) sum += data[length - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
