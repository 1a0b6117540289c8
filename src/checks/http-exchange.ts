/** One HTTP request and the judgement of its response; runs on plain sockets (http) and inside TLS (ssl). */
import { createHash, type Hash } from 'node:crypto';
import type { Address } from '../model/plan.ts';
import { formatAddress } from '../model/address.ts';
import { StreamSearch } from './bytes.ts';
import { bodyLimit, type HttpParameters, type PageParameters, pagesOf, patternOf } from './http-parameters.ts';
import { HttpResponse } from './http-response.ts';
import { passed, wrong } from './judgement.ts';
import { type End, type Exchange, type Judgement, RECONNECT, type Unexamined } from './kind.ts';
import type { Pattern } from './pattern/linear.ts';
import { proxyHeader, type ProxyProtocol } from './proxy-protocol.ts';

/** What a server answers to a PROXY protocol header that it does not expect. */
const BAD_REQUEST = 400;
/** Steps of matching that an exchange takes itself: a millisecond or two at most. More is left to the helper. */
const STEPS_AT_ONCE = 1 << 16;

/** A page made ready: everything that is the same for all targets. */
export interface HttpPage {
  /** Request text before and after the value of Host; `host` is that value when the profile fixes it. */
  readonly before: string;
  readonly after: string;
  readonly host: string | undefined;
  readonly status: readonly (readonly [number, number])[];
  /** A PROXY protocol header comes before it. */
  readonly proxied: boolean;
  readonly head: boolean;
  readonly examinesBody: boolean;
  /** The body is everything after the header, framing included. */
  readonly raw: boolean;
  readonly contains: Buffer | undefined;
  readonly matches: Pattern | undefined;
  /** First and last position at which a match may begin, and whether one is wanted. */
  readonly from: number;
  readonly to: number;
  readonly noMatch: boolean;
  readonly md5: string | undefined;
  readonly maxBody: number;
}

/**
 * The value of the Host header when nothing else is asked: the address, without an IPv6 scope (RFC 6874 keeps it off the wire).
 */
export function hostText({ family, ip, port }: Address): string {
  return formatAddress({ family, ip, port });
}

const ready = new WeakMap<HttpParameters, readonly HttpPage[]>();

/**
 * The prepared pages of parsed http or ssl parameters, one at least; made once per profile object.
 * @param proxyProtocol of a header that stands before each request; one before TLS is none of these
 */
export function httpPages(p: HttpParameters, proxyProtocol?: ProxyProtocol): readonly HttpPage[] {
  const known = ready.get(p);
  if (known) return known;
  const made = pagesOf(p).map((page) => httpPage(page, proxyProtocol));
  ready.set(p, made);
  return made;
}

function httpPage(p: PageParameters, proxyProtocol: ProxyProtocol | undefined): HttpPage {
  const given = new Set(Object.keys(p.headers).map((name) => name.toLowerCase()));
  const defaults: [string, string][] = [
    ['User-Agent', 'fourlane'],
    ['Accept', '*/*'],
    ['Accept-Encoding', 'identity'],
  ];
  const protocol = p.protocol ?? '1.1';
  if (protocol !== '1.0') defaults.push(['Connection', 'close']);
  if (p.method === 'POST' || p.method === 'PUT') defaults.push(['Content-Length', '0']);
  const fields = [...defaults.filter(([name]) => !given.has(name.toLowerCase())), ...Object.entries(p.headers)];
  const hostIsGiven = given.has('host');
  return {
    before:
      `${proxyProtocol ? proxyHeader(proxyProtocol).toString('latin1') : ''}${p.method} ${p.path} ` +
      `HTTP/${protocol.slice(0, 3)}\r\n${hostIsGiven ? '' : 'Host: '}`,
    after: `${hostIsGiven ? '' : '\r\n'}${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    host: hostIsGiven ? '' : p.host,
    status: p.status,
    proxied: proxyProtocol !== undefined,
    head: p.method === 'HEAD',
    examinesBody: [p.contains, p.matches, p.md5, p.digest].some((wanted) => wanted !== undefined),
    raw: p.digest !== undefined,
    contains: p.contains === undefined ? undefined : Buffer.from(p.contains, 'utf8'),
    matches: patternOf(p),
    from: p.matchFrom ?? 0,
    to: p.matchTo ?? Number.POSITIVE_INFINITY,
    noMatch: p.noMatch ?? false,
    md5: (p.digest ?? p.md5)?.toLowerCase(),
    maxBody: bodyLimit(p),
  };
}

/** Of all exchanges that keep no body: making one for each is dear. */
const none = new ArrayBuffer(0);
const ignore = () => undefined;

/** Asks for the pages of a check, each on a connection of its own. */
export class HttpExchange implements Exchange {
  readonly #pages: readonly HttpPage[];
  readonly #host: string;
  readonly #patient: boolean;
  #at = 0;
  #page!: HttpPage;
  #response!: HttpResponse;
  #search: StreamSearch | undefined;
  #found = false;
  #digest: Hash | undefined;
  /** The body, as far as it has come, and its length: only for a regular expression, which must see all of it. */
  #body: ArrayBuffer = none;
  #length = 0;

  /** @param patient a body is never left to another thread, however long it takes */
  constructor(pages: readonly HttpPage[], host: string, patient = false) {
    this.#pages = pages;
    this.#host = host;
    this.#patient = patient;
    this.#begin(0);
  }

  /** The page that is asked for now. */
  get page(): HttpPage {
    return this.#page;
  }

  #begin(at: number): void {
    const page = this.#pages[at]!;
    this.#at = at;
    this.#page = page;
    this.#search = page.contains && new StreamSearch(page.contains);
    this.#found = false;
    this.#digest = page.md5 === undefined ? undefined : createHash('md5');
    this.#length = 0;
    const body = page.head || !page.examinesBody ? 'none' : page.raw ? 'raw' : 'decoded';
    this.#response = new HttpResponse(body, page.maxBody, body === 'none' ? ignore : (piece) => this.#take(piece));
  }

  request(into: Buffer): number {
    return into.write(this.#page.before + (this.#page.host ?? this.#host) + this.#page.after, 0, 'latin1');
  }

  feed(chunk: Buffer): End | typeof RECONNECT | undefined {
    this.#response.feed(chunk);
    return this.#response.finished ? this.#goOn() : undefined;
  }

  closed(): End | typeof RECONNECT {
    this.#response.end();
    return this.#goOn();
  }

  #goOn(): End | typeof RECONNECT {
    const end = this.#judge();
    if (end !== passed || this.#at === this.#pages.length - 1) return end;
    this.#begin(this.#at + 1);
    return RECONNECT;
  }

  #take(piece: Buffer): void {
    if (this.#search !== undefined && !this.#found) this.#found = this.#search.feed(piece);
    this.#digest?.update(piece);
    if (this.#page.matches !== undefined) this.#keep(piece);
  }

  /** In memory of its own, which can be handed to the helper as it is. */
  #keep(piece: Buffer): void {
    const length = this.#length + piece.length;
    const room = this.#body.byteLength;
    const size = Math.max(length, Math.min(2 * room, this.#page.maxBody));
    if (length > room) this.#body = room === 0 ? new ArrayBuffer(size) : this.#body.transfer(size);
    piece.copy(new Uint8Array(this.#body), this.#length);
    this.#length = length;
  }

  #judge(): End {
    const { status, error } = this.#response;
    const { status: ranges, proxied, matches, md5, contains } = this.#page;
    // A wrong status is the better reason even when the body was cut.
    const accepted = ranges.some(([low, high]) => status >= low && status <= high);
    if (error === undefined || error === 'too_large') {
      if (status === BAD_REQUEST && proxied && !accepted) return wrong('match', 'proxy_header', status);
      if (status !== 0 && !accepted) return wrong('match', 'status', status);
    }
    if (error !== undefined) return wrong('response', error, status);
    if (md5 !== undefined && this.#digest!.digest('hex') !== md5) return wrong('match', 'digest', status);
    if (contains !== undefined && !this.#found) return wrong('match', 'body', status);
    if (matches === undefined) return passed;
    const rest = { body: Buffer.from(this.#body, 0, this.#length), status };
    return this.#patient || matches.size * rest.body.length <= STEPS_AT_ONCE ? examine(this.#page, rest) : rest;
  }
}

/** The judgement of a body by the page's regular expression. */
export function examine({ matches, from, to, noMatch }: HttpPage, { body, status }: Unexamined): Judgement {
  if (matches === undefined) return passed;
  const text = body.toString('utf8');
  const at = from === 0 && to === Number.POSITIVE_INFINITY ? (matches.test(text) ? 0 : -1) : matches.find(text, from);
  return (at >= 0 && at <= to) === noMatch ? wrong('match', 'body', status) : passed;
}

/** Bytes that one response may have at most: what is not body, chunk sizes and TLS itself, is not more than that. */
export function mostBytes(pages: readonly HttpPage[]): number {
  return 2 * pages.reduce((most, { maxBody }) => Math.max(most, maxBody), 0) + 65_536;
}
