/** The digest of a page, whatever its status and its length: for whoever writes a check. */
import { createHash } from 'node:crypto';
import { httpPages } from './http-exchange.ts';
import type { HttpParameters } from './http-parameters.ts';
import { HttpResponse } from './http-response.ts';
import { passed, wrong } from './judgement.ts';
import type { End, Exchange } from './kind.ts';

export class PageDigest implements Exchange {
  readonly #request: string;
  readonly #hash = createHash('md5');
  readonly #response = new HttpResponse('raw', Number.POSITIVE_INFINITY, (piece) => this.#hash.update(piece));
  /** MD5 of all that followed the header, in hex; '' until the page is complete. */
  digest = '';

  /** @param host value of Host when the parameters have none */
  constructor(parameters: HttpParameters, host: string) {
    const { before, after, host: own } = httpPages(parameters)[0]!;
    this.#request = before + (own ?? host) + after;
  }

  /** Bytes after the header. */
  get length(): number {
    return this.#response.length;
  }

  /** HTTP status. */
  get status(): number {
    return this.#response.status;
  }

  request(into: Buffer): number {
    return into.write(this.#request, 0, 'latin1');
  }

  feed(chunk: Buffer): End | undefined {
    this.#response.feed(chunk);
    return this.#response.finished ? this.#end() : undefined;
  }

  closed(): End {
    this.#response.end();
    return this.#end();
  }

  #end(): End {
    const { error, status } = this.#response;
    if (error !== undefined) return wrong('response', error, status);
    this.digest = this.#hash.digest('hex');
    return passed;
  }
}
