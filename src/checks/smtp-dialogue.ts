/** The dialogue with a mail server: greeting, HELO or EHLO, then STARTTLS or QUIT (RFC 5321, RFC 3207). */
import { passed, wrong } from './judgement.ts';
import { type End, type Exchange, NEXT, type Wish } from './kind.ts';
import { LineReader } from './lines.ts';

/** Of all replies of one dialogue. A greeting has some hundred bytes, a list of extensions a thousand. */
const MOST_BYTES = 16_384;

/** A command to send, and the code that its reply must have. */
interface Step {
  readonly command: string;
  /** Left out: any. */
  readonly code?: number;
}

/**
 * Goes through steps one after the other; a reply may have several lines (`250-…`, last `250 …`). A reply with another code ends
 * it: cause `reply`, detail the code.
 */
export class SmtpDialogue implements Exchange {
  readonly #steps: readonly Step[];
  readonly #lines = new LineReader(MOST_BYTES);
  #at = 0;
  #begun = '';

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  request(into: Buffer): number {
    return into.write(this.#steps[this.#at]!.command, 'latin1');
  }

  feed(chunk: Buffer): End | Wish | undefined {
    let complete = false;
    for (const line of this.#lines.feed(chunk)) {
      const reply = /^(\d{3})(?:([ -])|$)/.exec(line);
      // Nothing may follow a complete reply: a server that speaks before it is asked is out of step.
      if (complete || !reply || (this.#begun !== '' && this.#begun !== reply[1])) return wrong('response', 'invalid_reply');
      this.#begun = reply[2] === '-' ? reply[1]! : '';
      if (reply[2] === '-') continue;
      complete = true;
      const { code } = this.#steps[this.#at]!;
      if (code !== undefined && Number(reply[1]) !== code) return wrong('match', 'reply', Number(reply[1]));
    }
    if (this.#lines.tooMuch) return wrong('response', 'too_large');
    if (!complete) return undefined;
    return ++this.#at === this.#steps.length ? passed : NEXT;
  }

  closed(): End {
    return wrong('response', 'closed');
  }
}

/** Greeting 220, `HELO name` 250, `QUIT` whatever: what keepalived's SMTP_CHECK asks. */
export function plainSteps(name: string): readonly Step[] {
  return [{ command: '', code: 220 }, ...insideSteps(`HELO ${name}`)];
}

/** The same once TLS is there: no second greeting. @param hello with its name */
export function insideSteps(hello: string): readonly Step[] {
  return [{ command: `${hello}\r\n`, code: 250 }, { command: 'QUIT\r\n' }];
}

/** In the clear, until the server is ready for TLS. */
export function startTlsSteps(name: string): readonly Step[] {
  return [
    { command: '', code: 220 },
    { command: `EHLO ${name}\r\n`, code: 250 },
    { command: 'STARTTLS\r\n', code: 220 },
  ];
}
