/** One HTTP request and the judgement of its response; runs on plain sockets (http) and inside TLS (ssl). */
import { createHash, type Hash } from 'node:crypto';
import type { Address } from '../model/plan.ts';
import { formatAddress } from '../model/schema.ts';
import { StreamSearch } from './bytes.ts';
import { bodyLimit, type HttpParameters } from './http-parameters.ts';
import { HttpResponse } from './http-response.ts';
import { passed, wrong } from './judgement.ts';
import type { Exchange, Judgement, Unexamined } from './kind.ts';
import { compilePattern, type Pattern } from './pattern/linear.ts';
import { proxyHeader } from './proxy-protocol.ts';

/** Steps of matching that an exchange takes itself: a millisecond or two at most. More is left to the helper. */
const STEPS_AT_ONCE = 1 << 16;

/** A profile made ready: everything that is the same for all its targets. */
export interface HttpProfile {
  /** Request text before and after the value of Host; `host` is that value when the profile fixes it. */
  readonly before: string;
  readonly after: string;
  readonly host: string | undefined;
  readonly status: readonly (readonly [number, number])[];
  readonly head: boolean;
  readonly examinesBody: boolean;
  readonly contains: Buffer | undefined;
  readonly matches: Pattern | undefined;
  readonly md5: string | undefined;
  readonly maxBody: number;
}

/**
 * The value of the Host header when nothing else is asked: the address, without an IPv6 scope (RFC 6874 keeps it off the wire).
 */
export function hostText({ family, ip, port }: Address): string {
  return formatAddress({ family, ip, port });
}

const ready = new WeakMap<HttpParameters, HttpProfile>();

/** The prepared form of parsed http or ssl parameters; made once per profile object. */
export function httpProfile(p: HttpParameters & { readonly proxyProtocol?: 'v1' | 'v2' | undefined }): HttpProfile {
  const known = ready.get(p);
  if (known) return known;
  const given = new Set(Object.keys(p.headers).map((name) => name.toLowerCase()));
  const defaults: [string, string][] = [
    ['User-Agent', 'fourlane'],
    ['Accept', '*/*'],
    ['Accept-Encoding', 'identity'],
    ['Connection', 'close'],
  ];
  if (p.method === 'POST' || p.method === 'PUT') defaults.push(['Content-Length', '0']);
  const fields = [...defaults.filter(([name]) => !given.has(name.toLowerCase())), ...Object.entries(p.headers)];
  const hostIsGiven = given.has('host');
  const made: HttpProfile = {
    before:
      `${p.proxyProtocol ? proxyHeader(p.proxyProtocol).toString('latin1') : ''}${p.method} ${p.path} ` +
      `HTTP/1.1\r\n${hostIsGiven ? '' : 'Host: '}`,
    after: `${hostIsGiven ? '' : '\r\n'}${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    host: hostIsGiven ? '' : p.host,
    status: p.status,
    head: p.method === 'HEAD',
    examinesBody: p.contains !== undefined || p.matches !== undefined || p.md5 !== undefined,
    contains: p.contains === undefined ? undefined : Buffer.from(p.contains, 'utf8'),
    matches: p.matches === undefined ? undefined : compilePattern(p.matches),
    md5: p.md5?.toLowerCase(),
    maxBody: bodyLimit(p),
  };
  ready.set(p, made);
  return made;
}

/** Of all exchanges that keep no body: making one for each is dear. */
const none = new ArrayBuffer(0);

export class HttpExchange implements Exchange {
  readonly #profile: HttpProfile;
  readonly #host: string;
  readonly #response: HttpResponse;
  readonly #search: StreamSearch | undefined;
  #found = false;
  readonly #digest: Hash | undefined;
  /** The body, as far as it has come, and its length: only for a regular expression, which must see all of it. */
  #body: ArrayBuffer = none;
  #length = 0;

  constructor(profile: HttpProfile, host: string) {
    this.#profile = profile;
    this.#host = profile.host ?? host;
    this.#search = profile.contains && new StreamSearch(profile.contains);
    this.#digest = profile.md5 === undefined ? undefined : createHash('md5');
    this.#response = new HttpResponse(profile.head || !profile.examinesBody, profile.maxBody, (piece) => this.#take(piece));
  }

  request(into: Buffer): number {
    return into.write(this.#profile.before + this.#host + this.#profile.after, 0, 'latin1');
  }

  feed(chunk: Buffer): Judgement | Unexamined | undefined {
    this.#response.feed(chunk);
    return this.#response.finished ? this.#judge() : undefined;
  }

  closed(): Judgement | Unexamined {
    this.#response.end();
    return this.#judge();
  }

  #take(piece: Buffer): void {
    if (this.#search !== undefined && !this.#found) this.#found = this.#search.feed(piece);
    this.#digest?.update(piece);
    if (this.#profile.matches !== undefined) this.#keep(piece);
  }

  /** In memory of its own, which can be handed to the helper as it is. */
  #keep(piece: Buffer): void {
    const length = this.#length + piece.length;
    const room = this.#body.byteLength;
    const size = Math.max(length, Math.min(2 * room, this.#profile.maxBody));
    if (length > room) this.#body = room === 0 ? new ArrayBuffer(size) : this.#body.transfer(size);
    piece.copy(new Uint8Array(this.#body), this.#length);
    this.#length = length;
  }

  #judge(): Judgement | Unexamined {
    const { status, error } = this.#response;
    const { status: ranges, matches, md5, contains } = this.#profile;
    // A wrong status is the better reason even when the body was cut.
    const accepted = ranges.some(([low, high]) => status >= low && status <= high);
    if (error === undefined || error === 'too_large') {
      if (status !== 0 && !accepted) return wrong('match', 'status', status);
    }
    if (error !== undefined) return wrong('response', error, status);
    if (md5 !== undefined && this.#digest!.digest('hex') !== md5) return wrong('match', 'digest', status);
    if (contains !== undefined && !this.#found) return wrong('match', 'body', status);
    if (matches === undefined) return passed;
    const rest = { body: Buffer.from(this.#body, 0, this.#length), status };
    return matches.size * rest.body.length <= STEPS_AT_ONCE ? examine(this.#profile, rest) : rest;
  }
}

/** The judgement of a body by the profile's regular expression. */
export function examine({ matches }: HttpProfile, { body, status }: Unexamined): Judgement {
  return matches === undefined || matches.test(body.toString('utf8')) ? passed : wrong('match', 'body', status);
}
