/** tcp: handshake, optionally a PROXY protocol header, bytes to send and bytes to expect. */
import * as z from 'zod';
import { StreamSearch, unescape, validEscapes } from './bytes.ts';
import { passed, wrong } from './judgement.ts';
import { checkKind, type Exchange, type Judgement, type SocketCheck } from './kind.ts';
import { proxyHeader, proxyProtocol } from './proxy-protocol.ts';

const LIMIT = 65_536;

const escapes = 'has a wrong escape; write \\r, \\n, \\t, \\0, \\\\ or \\xHH';

const schema = z.strictObject({
  send: z
    .string()
    .max(32_768)
    .refine(validEscapes, escapes)
    .optional()
    .meta({ description: 'text to send after the handshake; \\r, \\n, \\t, \\0, \\\\ and \\xHH are unescaped', private: true }),
  expect: z
    .string()
    .min(1)
    .max(4096)
    .refine(validEscapes, escapes)
    .optional()
    .describe('text that must appear in the first 64 KiB of the answer; same escapes as send'),
  proxyProtocol: proxyProtocol.optional(),
});

export const tcp = checkKind({
  name: 'tcp',
  needsPort: true,
  summary: 'TCP handshake; optional send/expect and PROXY protocol header',
  schema,
  prepare(profile): SocketCheck {
    if (profile.send === undefined && profile.expect === undefined && profile.proxyProtocol === undefined) return handshakeOnly;
    const request = Buffer.concat([
      profile.proxyProtocol ? proxyHeader(profile.proxyProtocol) : nothing,
      unescape(profile.send ?? ''),
    ]);
    const expected = profile.expect === undefined ? undefined : unescape(profile.expect);
    return { transport: 'stream', begin: () => new SendExpect(request, expected) };
  },
});

const nothing = Buffer.alloc(0);
const handshakeOnly: SocketCheck = { transport: 'stream', begin: () => undefined };

class SendExpect implements Exchange {
  readonly #request: Buffer;
  readonly #search: StreamSearch | undefined;
  #seen = 0;

  constructor(request: Buffer, expected: Buffer | undefined) {
    this.#request = request;
    this.#search = expected && new StreamSearch(expected);
  }

  request(into: Buffer): number {
    return this.#request.copy(into);
  }

  /** Without `expect` it is enough that the bytes were taken. */
  sent(): Judgement | undefined {
    return this.feed(nothing);
  }

  feed(chunk: Buffer): Judgement | undefined {
    if (this.#search === undefined || this.#search.feed(chunk)) return passed;
    this.#seen += chunk.length;
    return this.#seen > LIMIT ? wrong('response', 'too_large') : undefined;
  }

  closed(): Judgement {
    return wrong('response', this.#seen === 0 ? 'closed' : 'body');
  }
}
