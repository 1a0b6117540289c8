/** Client of the control socket: one question at a time, with deadline and back-off; finds out which release answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pauseAfter } from '../../model/backoff.ts';
import { socketRun } from '../../sys/socket-run.ts';
import { SocketError } from '../../sys/unix-socket.ts';
import type { UnixExchange } from '../../sys/unix-exchange.ts';
import { type Layout, LAYOUTS } from './layout.ts';
import { type Dialect, idOf, MAX_BODY, type Message } from './messages.ts';
import { decodeInfo, decodeServices, decodeVersion, encodeServices } from './services.ts';
import { ControlError, DecodeError, encodeRequest, REPLY_HEAD, replyLength } from './wire.ts';

/** Answers that may be other ones a moment later. */
const BUSY = -13;
export const MESSAGE_FAILED = -23;
export const MESSAGE_DROPPED = -24;
const PASSING = new Set([BUSY, MESSAGE_FAILED, MESSAGE_DROPPED]);
const NOT_THERE = new Set([-1, -4, -17]);
const FIRST_PAUSE_MS = 20;
const MOST_RETRIES = 3;
const NOTHING = Buffer.alloc(0);

/** Whether tables changed while they were read: another count, a service that has gone. */
export function changedMeanwhile(error: unknown): boolean {
  return error instanceof ControlError && (NOT_THERE.has(error.code) || error.code === MESSAGE_FAILED);
}

/** A release: its message numbers and layouts. */
export interface Release {
  readonly version: string;
  readonly dialect: Dialect;
  readonly layout: Layout;
}

/** How often what happened, since the collector was opened. */
export interface ControlCounts {
  requests: number;
  /** Answers by their code; MESSAGE_DROPPED: a worker did not answer the master in time. */
  readonly errors: Map<number, number>;
}

export class Control {
  readonly #exchange: UnixExchange;
  readonly #path: string;
  readonly #limitMs: number;
  readonly counts: ControlCounts = { requests: 0, errors: new Map() };

  /** `limitMs`: for one question; DPVS serves nobody else meanwhile. */
  constructor(exchange: UnixExchange, path: string, limitMs: number) {
    this.#exchange = exchange;
    this.#path = path;
    this.#limitMs = limitMs;
  }

  /** Which run of DPVS this is: it makes a new socket when it starts. undefined: there is no socket. */
  epoch(): Promise<string | undefined> {
    return socketRun(this.#path);
  }

  /** Body of the answer. Rejects with ControlError, DecodeError, SocketError, or the signal's reason. */
  async ask(dialect: Dialect, message: Message, body: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    const id = idOf(dialect, message);
    if (id === undefined) throw new DecodeError(message, 'not known of this release of DPVS', 'a later one');
    for (let failures = 1; ; failures++) {
      try {
        return await this.#once(message, id, body, signal);
      } catch (error) {
        const code = error instanceof ControlError ? error.code : undefined;
        if (code !== undefined) this.counts.errors.set(code, (this.counts.errors.get(code) ?? 0) + 1);
        if (code === undefined || !PASSING.has(code) || failures > MOST_RETRIES) throw error;
        await sleep(pauseAfter(failures, FIRST_PAUSE_MS, Number.POSITIVE_INFINITY), undefined, { signal });
      }
    }
  }

  async #once(message: Message, id: number, body: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    this.counts.requests++;
    const shape = { head: REPLY_HEAD, most: REPLY_HEAD + MAX_BODY, length: (head: Buffer) => replyLength(message, id, head) };
    try {
      return (await this.#exchange.ask(encodeRequest(id, body), shape, signal, this.#limitMs)).subarray(REPLY_HEAD);
    } catch (error) {
      throw error instanceof SocketError ? this.#explained(message, error) : error;
    }
  }

  #explained(message: Message, error: SocketError): SocketError {
    const explanations: Readonly<Record<string, string>> = {
      ECONNREFUSED: 'nobody listens: DPVS has ended and left its socket behind; start it, or remove the file',
      EACCES: 'permission denied: run fourlane as root',
      EPROTOTYPE: 'is a socket of another kind; name the control socket of DPVS (dpvs -x) with collectors.dpvs.socket',
      EAGAIN: 'accepts nobody: another client holds it, or its master core hangs',
      ETIMEDOUT: 'does not answer: another client holds it, or its master core hangs',
      EOF: 'closed the connection without an answer: this DPVS does not know the message, or is ending',
      EBADMSG: 'closed the connection in the middle of an answer',
    };
    return new SocketError(error.code, `${this.#path} ${message}: ${explanations[error.code] ?? 'failed'} (${error.message})`);
  }

  /**
   * Finds out which release answers: first by message numbers, which older ones do not know and then just close the connection,
   * then by sizes, since several releases share numbers. Rejects when none of those we know does.
   */
  async probe(signal: AbortSignal): Promise<Release> {
    const { version, classic } = await this.#version(signal);
    const dialect = classic ? 'classic' : await this.#dialect(signal);
    const info = decodeInfo(await this.ask(dialect, 'INFO', NOTHING, signal));
    const candidates = LAYOUTS.filter((l) => l.dialects.includes(dialect));
    // Without services there is nothing to measure: the version decides, which was 0 before v1.9.4.
    const likely = candidates.find((l) => (info.version === 0) === l.service.texts) ?? candidates[0]!;
    if (info.services === 0) return { version, dialect, layout: likely };
    const list = await this.ask(dialect, 'SERVICES', encodeServices(likely, info.services, 0), signal);
    const layout = candidates.find((l) => list.length === 8 + info.services * l.service.size);
    if (layout === undefined) throw unknownLayout(version, list.length, info.services);
    decodeServices(layout, list);
    return { version, dialect, layout };
  }

  async #version(signal: AbortSignal): Promise<{ version: string; classic: boolean }> {
    try {
      return { version: decodeVersion(await this.ask('modern', 'VERSION', NOTHING, signal)), classic: false };
    } catch (error) {
      if (!(error instanceof SocketError && error.code === 'EOF')) throw error;
    }
    return { version: decodeVersion(await this.ask('classic', 'VERSION', NOTHING, signal)), classic: true };
  }

  /** v1.9.6 answers its list of ports, or nothing, where later ones answer the mask of lcores. */
  async #dialect(signal: AbortSignal): Promise<Dialect> {
    try {
      return (await this.ask('modern', 'LCORE_MASK', NOTHING, signal)).length === 24 ? 'modern' : 'early';
    } catch (error) {
      if (error instanceof ControlError || (error instanceof SocketError && error.code === 'EOF')) return 'early';
      throw error;
    }
  }
}

function unknownLayout(version: string, bytes: number, services: number): DecodeError {
  const sizes = LAYOUTS.map((l) => `${l.service.size} (${l.releases})`).join(', ');
  return new DecodeError(
    `SERVICES of ${JSON.stringify(version)}`,
    `${bytes} bytes for ${services} services`,
    `8 and for each of them one of ${sizes}; turn the collector off with dpvs: false`,
  );
}
