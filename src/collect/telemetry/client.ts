/**
 * Client of one DPDK telemetry v2 socket (`…/dpdk_telemetry.v2`, AF_UNIX SOCK_SEQPACKET; DPDK 20.05 and later), shared by the
 * collectors:
 *
 *     const lease = context.share(shareKey(path), () => new TelemetryClient(path));
 *     const session = await lease.value.session(signal);      // at the beginning of every reading
 *     if (session.knows(RING_LIST)) { const answer = await session.request(RING_LIST, signal); … decode(names, answer, path) … }
 *     lease.release();
 *
 * One connection per socket, since a process serves ten clients at a time and operators' tools need some; one request in flight.
 */
import * as z from 'zod';
import { Seqpacket } from '../../sys/seqpacket.ts';
import { type Answer, decode, names, parseAnswer, parseObject } from './answer.ts';
import { type Command, COMMANDS } from './commands.ts';
import { explain, TelemetryError } from './error.ts';

/** Longest packet that is taken; DPDK announces 16384. */
const MAX_PACKET = 65_536;

/** Limits, ms: for connecting and the greeting; for one answer. */
export interface Limits {
  readonly greetingMs: number;
  readonly answerMs: number;
}
const LIMITS: Limits = { greetingMs: 1000, answerMs: 1000 };

/** Who answers, from the greeting that a server sends by itself. */
export interface Greeting {
  /** `DPDK 22.11.11`. */
  readonly version: string;
  readonly pid: number;
  readonly maxOutputLen: number;
}

const greetingSchema = z.object({
  version: z.string().min(1).max(127),
  pid: z.int().positive(),
  max_output_len: z.int().min(1024).max(MAX_PACKET),
});

/** For `context.share`. */
export function shareKey(path: string): string {
  return `telemetry ${path}`;
}

/** One connection: everything asked in it is answered by the same process. */
export class Session {
  readonly path: string;
  readonly greeting: Greeting;
  readonly #socket: Seqpacket;
  readonly #answerMs: number;
  #commands: ReadonlySet<string> = new Set([COMMANDS.name]);
  #last: Promise<unknown> = Promise.resolve();
  #asked = 0;
  #ended = false;

  constructor(path: string, greeting: Greeting, socket: Seqpacket, answerMs: number) {
    this.path = path;
    this.greeting = greeting;
    this.#socket = socket;
    this.#answerMs = answerMs;
  }

  /** Whether the process knows the command; it is fixed when the session begins. */
  knows(command: Command): boolean {
    return this.#commands.has(command.name);
  }

  /** Asks what the process can do. Comes first, once. */
  async learn(signal: AbortSignal): Promise<void> {
    this.#commands = new Set(decode(names, await this.request(COMMANDS, signal), this.path));
  }

  /** Whether it can be asked: still connected, and nothing has come that nobody waits for. */
  usable(): boolean {
    return !this.#ended && (this.#asked > 0 || this.#socket.quiet());
  }

  /**
   * Asks one thing, after whatever was asked before. Rejects with TelemetryError, or with the signal's reason; but for an answer
   * of the wrong form the session has ended then, because an answer that comes late must never be taken for the next one's.
   */
  request(command: Command, signal: AbortSignal): Promise<Answer> {
    this.#asked++;
    const mine = this.#last.then(() => this.#ask(command, signal)).finally(() => this.#asked--);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #ask(command: Command, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    // Up to DPDK 26.03 two clients who ask at the same moment may get each other's command answered (fixed by fdf75c91a6): once
    // more, then.
    for (let attempt = 0; attempt < 2; attempt++) {
      const packet = await this.#exchange(command, signal);
      const answer = parseAnswer(command, packet, this.greeting.maxOutputLen, this.path);
      if (answer !== undefined) return answer;
    }
    this.close();
    throw new TelemetryError('invalid', `${this.path} ${command.text}: another command than this was answered, twice`);
  }

  async #exchange(command: Command, signal: AbortSignal): Promise<Buffer> {
    try {
      this.#socket.send(Buffer.from(command.text));
      return await this.#socket.receive({ signal, limitMs: this.#answerMs });
    } catch (error) {
      this.close();
      throw explain(this.path, 'asking', error, command.text);
    }
  }

  close(): void {
    this.#ended = true;
    this.#socket.close();
  }
}

export class TelemetryClient {
  readonly path: string;
  readonly #limits: Limits;
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #closed = false;

  constructor(path: string, limits: Limits = LIMITS) {
    this.path = path;
    this.#limits = limits;
  }

  /**
   * The session: the one there is, as long as it is usable, else a new one. Another object than the time before means that the
   * process may be another one. Rejects with TelemetryError, or with the signal's reason.
   */
  async session(signal: AbortSignal): Promise<Session> {
    // Another collector may be opening it; what that one's signal ends is tried again with ours.
    while (this.#opening !== undefined) await this.#opening.catch(() => undefined);
    signal.throwIfAborted();
    if (this.#session?.usable() === true) return this.#session;
    this.#opening = this.#open(signal);
    try {
      return await this.#opening;
    } finally {
      this.#opening = undefined;
    }
  }

  async #open(signal: AbortSignal): Promise<Session> {
    this.#session?.close();
    const { greetingMs, answerMs } = this.#limits;
    const patience = { signal, limitMs: greetingMs };
    const socket = await Seqpacket.connect(this.path, { ...patience, maxPacket: MAX_PACKET }).catch((error: unknown) => {
      throw explain(this.path, 'connecting', error);
    });
    try {
      const packet = await socket.receive(patience).catch((error: unknown) => {
        throw explain(this.path, 'greeting', error);
      });
      const session = new Session(this.path, parseGreeting(packet, this.path), socket, answerMs);
      await session.learn(signal);
      if (this.#closed) throw new TelemetryError('broken', `${this.path}: closed here`);
      this.#session = session;
      return session;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#session?.close();
  }
}

function parseGreeting(packet: Buffer, path: string): Greeting {
  const where = `${path} greeting`;
  const body = parseObject(packet, where);
  const parsed = greetingSchema.safeParse(body);
  if (!parsed.success) {
    throw new TelemetryError(
      'invalid',
      `${where}: ${packet.toString('utf8', 0, 80)} is not DPDK's {version, pid, max_output_len}`,
    );
  }
  const { version, pid, max_output_len: maxOutputLen } = parsed.data;
  return { version, pid, maxOutputLen };
}
