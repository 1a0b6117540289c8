/**
 * Incremental HTTP/1.x response reader for checks: tolerant of what servers really send (bare LF, missing reason phrase), strict
 * where a wrong answer would be believed. Keeps the body only when asked to.
 */
import { TOKEN } from '../model/http-token.ts';

export type HttpError = 'invalid_reply' | 'too_large' | 'closed';

const LF = 10;
const MAX_HEAD = 65_536;
const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const STATUS_AT = 'HTTP/1.1 '.length;
/** Bytes of a head that are made text at once; most have fewer. */
const HEAD_AT_ONCE = 2048;
const FIELD = new RegExp(`^[${TOKEN}]+:[\\t\\x20-\\x7e\\x80-\\xff]*$`);

type Mode = 'head' | 'length' | 'chunk_size' | 'chunk_data' | 'chunk_end' | 'trailer' | 'until_close' | 'done';

export class HttpResponse {
  status = 0;
  error: HttpError | undefined;
  /** Body bytes seen so far. */
  length = 0;
  readonly #onBody: (piece: Buffer) => void;
  readonly #kind: 'none' | 'decoded' | 'raw';
  readonly #maxBody: number;
  #mode: Mode = 'head';
  #held = '';
  #left = 0;
  #lines = 0;
  #contentLength = -1;
  #chunked = false;

  /**
   * @param body `none`: the request was HEAD, or only the status matters: the response is complete after its head. `raw`: what
   * comes after the head, chunk framing included, until its length or the peer's end
   */
  constructor(body: 'none' | 'decoded' | 'raw', maxBody: number, onBody: (piece: Buffer) => void) {
    this.#kind = body;
    this.#maxBody = maxBody;
    this.#onBody = onBody;
  }

  /** True when the response is complete, or wrong: then `error` is set. */
  get finished(): boolean {
    return this.error !== undefined || this.#mode === 'done';
  }

  /** Takes a chunk. */
  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.finished) {
      if (this.#mode === 'head') at = this.#headLines(chunk, at);
      else if (this.#mode === 'length' || this.#mode === 'chunk_data' || this.#mode === 'until_close') at = this.#body(chunk, at);
      else at = this.#line(chunk, at);
    }
  }

  /** The peer closed. That completes a body without length, and truncates everything else. */
  end(): void {
    if (this.finished) return;
    if (this.#mode === 'until_close') this.#mode = 'done';
    else this.error = 'closed';
  }

  #body(chunk: Buffer, at: number): number {
    const take = this.#mode === 'until_close' ? chunk.length - at : Math.min(this.#left, chunk.length - at);
    this.length += take;
    if (this.length > this.#maxBody) {
      this.error = 'too_large';
      return chunk.length;
    }
    if (take > 0) this.#onBody(chunk.subarray(at, at + take));
    this.#left -= take;
    if (this.#left === 0 && this.#mode === 'length') this.#mode = 'done';
    else if (this.#left === 0 && this.#mode === 'chunk_data') this.#mode = 'chunk_end';
    return at + take;
  }

  #line(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(LF, at);
    const stop = end < 0 ? chunk.length : end;
    this.#part(chunk.toString('latin1', at, stop), end >= 0);
    return stop + 1;
  }

  /** As `#line` for as many lines as there are: to leave JavaScript for each would cost more than to read it. */
  #headLines(chunk: Buffer, at: number): number {
    const text = chunk.toString('latin1', at, Math.min(chunk.length, at + HEAD_AT_ONCE));
    let from = 0;
    while (from < text.length && this.#mode === 'head' && this.error === undefined) {
      const end = text.indexOf('\n', from);
      const stop = end < 0 ? text.length : end;
      this.#part(text.slice(from, stop), end >= 0);
      from = stop + 1;
    }
    return at + Math.min(from, text.length);
  }

  /** A part of a line, or its end. */
  #part(text: string, ends: boolean): void {
    this.#held = this.#held === '' ? text : this.#held + text;
    this.#lines += text.length;
    if (this.#lines > MAX_HEAD) this.error = 'too_large';
    else if (ends) {
      const line = this.#held.endsWith('\r') ? this.#held.slice(0, -1) : this.#held;
      this.#held = '';
      this.#onLine(line);
    }
  }

  #onLine(line: string): void {
    if (this.#mode === 'head') this.#headLine(line);
    else if (this.#mode === 'chunk_size') {
      const size = /^([0-9a-fA-F]{1,12})[\t ]*(?:;.*)?$/.exec(line);
      if (!size) this.error = 'invalid_reply';
      else {
        this.#left = Number.parseInt(size[1]!, 16);
        this.#mode = this.#left === 0 ? 'trailer' : 'chunk_data';
      }
    } else if (this.#mode === 'chunk_end') {
      if (line === '') this.#mode = 'chunk_size';
      else this.error = 'invalid_reply';
    } else if (line === '') this.#mode = 'done';
    else if (!FIELD.test(line)) this.error = 'invalid_reply';
  }

  #headLine(line: string): void {
    if (this.status === 0) {
      if (STATUS_LINE.test(line)) this.status = Number(line.slice(STATUS_AT, STATUS_AT + 3));
      else this.error = 'invalid_reply';
    } else if (line === '') this.#endOfHead();
    else if (!FIELD.test(line)) this.error = 'invalid_reply';
    else this.#field(line);
  }

  #field(line: string): void {
    const first = line.charCodeAt(0) | 32;
    if (first === 99 && /^content-length:/i.test(line)) {
      const value = line.slice(15).trim();
      const n = Number(value);
      if (!/^\d{1,15}$/.test(value) || (this.#contentLength >= 0 && this.#contentLength !== n)) this.error = 'invalid_reply';
      this.#contentLength = n;
    } else if (first === 116 && /^transfer-encoding:/i.test(line)) {
      if (line.slice(18).trim().toLowerCase() !== 'chunked') this.error = 'invalid_reply';
      this.#chunked = true;
    }
  }

  #endOfHead(): void {
    if (this.status < 200) {
      // 101 would be an upgrade nobody asked for; the others announce the real response.
      if (this.status === 101) {
        this.error = 'invalid_reply';
        return;
      }
      this.status = 0;
      this.#contentLength = -1;
      this.#chunked = false;
      return;
    }
    if (this.#kind === 'none' || this.status === 204 || this.status === 304 || (this.#contentLength === 0 && !this.#chunked))
      this.#mode = 'done';
    else if (this.#chunked) this.#mode = this.#kind === 'raw' ? 'until_close' : 'chunk_size';
    else if (this.#contentLength > 0) {
      this.#left = this.#contentLength;
      this.#mode = 'length';
      if (this.#contentLength > this.#maxBody) this.error = 'too_large';
    } else this.#mode = 'until_close';
  }
}
