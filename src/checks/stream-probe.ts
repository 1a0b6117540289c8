/**
 * One probe over a stream that runs by itself, in a helper: connection, perhaps a dialogue in the clear (STARTTLS), perhaps TLS,
 * exchange; and again for each further connection that the exchange wishes for.
 */
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { connect as tlsConnect, type SecureContext, type TLSSocket } from 'node:tls';
import { causeCode, LOCAL_ERROR, OK, phaseCode, type ProbeResult, TIMEOUT } from '../model/outcome.ts';
import { adoptStream } from '../sys/adopt.ts';
import { monotonicMs } from '../sys/clock.ts';
import { connectOutcome } from '../sys/errno.ts';
import { Wire } from '../sys/wire.ts';
import { tooLong, wrong } from './judgement.ts';
import { type End, type Exchange, type Judgement, NEXT, RECONNECT, type RunContext, type Wish } from './kind.ts';
import { secureContext, type TlsParameters } from './tls-parameters.ts';

export interface StreamProbeOptions {
  /** Left out: all in the clear. */
  readonly tls?: {
    /** The profile itself: its context is kept with it. */
    readonly parameters: TlsParameters;
    /** SNI, if any is sent. */
    readonly name: () => string | undefined;
    /** A PROXY protocol header, before the handshake of each connection. */
    readonly header?: Buffer;
  };
  /** In the clear, before the handshake of the first connection: TLS begins when it has passed. */
  readonly prelude?: Exchange;
  /** Leaves nothing unexamined: this thread has the time. */
  readonly exchange: Exchange;
  /** Bytes that may come in one connection besides the handshake. */
  readonly maxBytes: number;
  readonly context: RunContext;
}

/** What a listener for TLS answers in the clear to a PROXY protocol header that it does not expect. */
const BAD_REQUEST = /^HTTP\/1\.[01] 400/;
/** Bytes of a handshake: certificates are 100 KB at most. */
const MAX_HANDSHAKE = 256 * 1024;
/**
 * A longer handshake is left to the patient helper before TLS has looked at it: each certificate of 4 KB may take 30 ms to
 * verify, and OpenSSL verifies all of them whether or not that is asked for.
 */
const SHORT_HANDSHAKE = 8 * 1024;
const OUT = 65_536;

type Phase = 'connect' | 'clear' | 'tls' | 'response';

/** A dialogue under way: over what, and what its end means. */
interface Talk {
  readonly exchange: Exchange;
  readonly over: Writable;
  readonly ended: (end: Judgement) => void;
}

export class StreamProbe {
  readonly #o: StreamProbeOptions;
  readonly #started = monotonicMs();
  /** Of the last connection: how long its handshake took, ms. */
  #rtt = 0;
  #phase: Phase = 'connect';
  /** Connections so far: what an earlier one still reports is of no interest. */
  #connections = 0;
  #raw: Socket | undefined;
  /** The dialogue in the clear. */
  #clear: Talk | undefined;
  #socket: TLSSocket | undefined;
  #settle: (end: Judgement) => void = () => undefined;

  constructor(options: StreamProbeOptions) {
    this.#o = options;
  }

  run(): Promise<ProbeResult> {
    const { context } = this.#o;
    return new Promise((resolve) => {
      let settled = false;
      this.#settle = (end) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        context.signal.removeEventListener('abort', cancelled);
        this.#drop();
        const elapsedUs = Math.round((monotonicMs() - this.#started) * 1000);
        resolve({ ...end, rttUs: Math.round(this.#rtt * 1000), elapsedUs });
      };
      const cancelled = () =>
        this.#settle({ outcome: LOCAL_ERROR, phase: phaseCode('run'), cause: causeCode('cancelled'), detail: 0 });
      const timer = setTimeout(() => this.#settle(this.#deadline()), context.timeoutMs);
      context.signal.addEventListener('abort', cancelled);
      this.#connect();
    });
  }

  #connect(): void {
    const { context, prelude, exchange } = this.#o;
    const begun = monotonicMs();
    this.#phase = 'connect';
    this.#connections++;
    const mine = this.#ofThisConnection();
    const raw = adoptStream(context, (code) => mine(() => this.#fail(code)));
    this.#raw = raw;
    raw?.once('connect', () => {
      this.#rtt = monotonicMs() - begun;
      if (prelude !== undefined && this.#connections === 1) this.#talkInTheClear(raw, prelude, () => this.#handshake(raw));
      else if (this.#o.tls === undefined) this.#talkInTheClear(raw, exchange, (end) => this.#settle(end));
      else this.#handshake(raw);
    });
  }

  /** Runs what it is given as long as no later connection has been made. */
  #ofThisConnection(): (then: () => void) => void {
    const connection = this.#connections;
    return (then) => {
      if (connection === this.#connections) then();
    };
  }

  #drop(): void {
    this.#socket?.destroy();
    this.#raw?.resetAndDestroy();
    this.#socket = undefined;
  }

  #talkInTheClear(raw: Socket, exchange: Exchange, passed: (end: Judgement) => void): void {
    this.#phase = 'clear';
    const mine = this.#ofThisConnection();
    const { context, maxBytes } = this.#o;
    let total = 0;
    const take = (chunk: Buffer) =>
      mine(() => {
        total += chunk.length;
        if (total > maxBytes) this.#settle(wrong('response', 'too_large'));
        else context.work(() => this.#proceed(talk, exchange.feed(chunk)));
      });
    const closed = () => mine(() => this.#closed(talk));
    const talk: Talk = {
      exchange,
      over: raw,
      ended: (end) => {
        raw.off('data', take);
        raw.off('end', closed);
        if (end.outcome === OK) passed(end);
        else this.#settle(end);
      },
    };
    this.#clear = talk;
    raw.on('data', take);
    raw.on('end', closed);
    this.#send(talk);
  }

  #handshake(raw: Socket): void {
    const { tls: settings, context, exchange } = this.#o;
    const { parameters, name, header } = settings!;
    this.#phase = 'tls';
    let made: SecureContext;
    try {
      made = secureContext(parameters);
    } catch {
      this.#settle({ outcome: LOCAL_ERROR, phase: phaseCode('tls'), cause: causeCode('certificate'), detail: 0 });
      return;
    }
    const mine = this.#ofThisConnection();
    if (header !== undefined) raw.write(header);
    const wire = new Wire(raw, (total, piece, chunk) => mine(() => this.#pass(total, piece, chunk)));
    const options = { socket: wire, secureContext: made, rejectUnauthorized: parameters.verify };
    const serverName = name();
    const tls = tlsConnect(serverName === undefined ? options : { ...options, servername: serverName });
    const talk: Talk = { exchange, over: tls, ended: (end) => this.#settle(end) };
    this.#socket = tls;
    tls.on('secureConnect', () => {
      const certificate = tls.getPeerCertificate();
      if (certificate.valid_to) context.certificate(Date.parse(certificate.valid_to));
      this.#phase = 'response';
      this.#send(talk);
    });
    tls.on('data', (chunk: Buffer) => mine(() => this.#proceed(talk, exchange.feed(chunk))));
    tls.on('end', () => mine(() => (this.#phase === 'response' ? this.#closed(talk) : this.#settle(wrong('tls', 'closed')))));
    tls.on('error', (error: NodeJS.ErrnoException) =>
      mine(() => {
        if (this.#phase === 'response') this.#closed(talk);
        else this.#settle(wrong('tls', /CERT|ALTNAME|VERIFY|SELF_SIGNED/.test(error.code ?? '') ? 'certificate' : 'tls'));
      }),
    );
  }

  /** Bytes on their way to TLS. @param total of this connection so far */
  #pass(total: number, piece: () => void, chunk: Buffer): void {
    const { context, maxBytes, tls } = this.#o;
    const isAnswer = total === chunk.length && tls?.header !== undefined && BAD_REQUEST.test(chunk.toString('latin1', 0, 16));
    if (isAnswer) this.#settle(wrong('tls', 'proxy_header', 400));
    else if (this.#phase === 'tls' && !context.patient && total > SHORT_HANDSHAKE) this.#settle(tooLong);
    else if (total > MAX_HANDSHAKE + (this.#phase === 'response' ? maxBytes : 0)) this.#settle(wrong(this.#place(), 'too_large'));
    else context.work(piece);
  }

  #send({ exchange, over }: Talk): void {
    const out = Buffer.alloc(OUT);
    const length = exchange.request(out);
    if (length > 0) over.write(out.subarray(0, length));
  }

  #closed(talk: Talk): void {
    this.#o.context.work(() => this.#proceed(talk, talk.exchange.closed()));
  }

  #proceed(talk: Talk, next: End | Wish | undefined): void {
    if (next === undefined) return;
    if (next === NEXT) this.#send(talk);
    else if (next !== RECONNECT) talk.ended(next as Judgement);
    else {
      this.#drop();
      this.#connect();
    }
  }

  #place(): 'tls' | 'response' {
    return this.#phase === 'tls' ? 'tls' : 'response';
  }

  /** The connection failed, or was reset. */
  #fail(code: number): void {
    if (this.#phase === 'clear') this.#closed(this.#clear!);
    else if (this.#phase === 'connect')
      this.#settle({ outcome: connectOutcome(code), phase: phaseCode('connect'), cause: causeCode('errno'), detail: code });
    else this.#settle(wrong('tls', 'closed', code));
  }

  #deadline(): Judgement {
    if (this.#phase === 'connect')
      return { outcome: TIMEOUT, phase: phaseCode('connect'), cause: causeCode('deadline'), detail: 0 };
    return wrong(this.#place(), 'deadline');
  }
}
