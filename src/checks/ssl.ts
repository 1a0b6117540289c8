/** ssl: https with SNI, optional verification, certificate expiry. node:tls runs on the lane's device-bound descriptor. */
import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { connect as tlsConnect, createSecureContext, DEFAULT_CIPHERS, type SecureContext, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import { causeCode, L7, LOCAL_ERROR, phaseCode, TIMEOUT } from '../model/outcome.ts';
import { adoptStream } from '../sys/adopt.ts';
import { Wire } from '../sys/wire.ts';
import { monotonicMs } from '../sys/clock.ts';
import { connectOutcome } from '../sys/errno.ts';
import { examine, HttpExchange, type HttpProfile, hostText, httpProfile } from './http-exchange.ts';
import { boundedMatching, httpParameters } from './http-parameters.ts';
import { tooLong, wrong } from './judgement.ts';
import { type AsyncCheck, checkKind, type Judgement, type RunContext, type Unexamined } from './kind.ts';

const schema = z.strictObject({
  ...httpParameters,
  sni: z.string().min(1).max(255).optional().describe('server name to send and verify; default: host, if it is a name'),
  verify: z.boolean().default(false).describe('the chain and the name must be valid'),
  ca: z.string().optional().describe('PEM file with the CAs to trust instead of the built-in ones'),
});
type Profile = z.infer<typeof schema>;

export const ssl = checkKind({
  name: 'ssl',
  needsPort: true,
  runs: true,
  summary: 'HTTPS request: as http, plus SNI, verification and certificate expiry',
  schema: schema.superRefine(boundedMatching),
  prepare(profile, address): AsyncCheck {
    const shared = httpProfile(profile);
    const host = hostText(address);
    return { run: (context) => new SecureProbe(profile, shared, host, context).run() };
  },
});

/**
 * Node's defaults, less finite fields: a server may choose a group of 9984 bits, which costs a prober 0.8 s of CPU and itself one
 * signature. Who has TLS has elliptic curves.
 */
const CIPHERS = `${DEFAULT_CIPHERS}:!DHE`;
const GROUPS = 'X25519:P-256:P-384:P-521:X448';
/** Bytes of a handshake, and bytes that a response may take more than its body may have: certificates are 100 KB at most. */
const MAX_HANDSHAKE = 256 * 1024;
/**
 * A longer handshake is left to the patient helper before TLS has looked at it: each certificate of 4 KB may take 30 ms to
 * verify, and OpenSSL verifies all of them whether or not that is asked for.
 */
const SHORT_HANDSHAKE = 8 * 1024;

const contexts = new WeakMap<object, SecureContext>();

/** One TLS context per profile object: building one costs milliseconds. @throws when the CA file can't be read. */
function secureContext(profile: Profile): SecureContext {
  let made = contexts.get(profile);
  if (!made) {
    made = createSecureContext({
      ciphers: CIPHERS,
      ecdhCurve: GROUPS,
      ...(profile.ca === undefined ? {} : { ca: readFileSync(profile.ca) }),
    });
    contexts.set(profile, made);
  }
  return made;
}

class SecureProbe {
  readonly #profile: Profile;
  readonly #shared: HttpProfile;
  readonly #context: RunContext;
  readonly #exchange: HttpExchange;
  readonly #started = monotonicMs();
  #connectedAt = 0;
  #phase: 'connect' | 'tls' | 'response' = 'connect';
  #socket: TLSSocket | undefined;

  constructor(profile: Profile, shared: HttpProfile, host: string, context: RunContext) {
    this.#profile = profile;
    this.#shared = shared;
    this.#context = context;
    this.#exchange = new HttpExchange(shared, host);
  }

  run() {
    return new Promise<ReturnType<SecureProbe['result']>>((resolve) => {
      let settled = false;
      let raw: Socket | undefined;
      const settle = (end: Judgement | Unexamined) => {
        if (settled) return;
        settled = true;
        const judgement = 'body' in end ? this.#context.work(() => examine(this.#shared, end)) : end;
        clearTimeout(timer);
        this.#context.signal.removeEventListener('abort', cancelled);
        this.#socket?.destroy();
        raw?.resetAndDestroy();
        resolve(this.result(judgement));
      };
      const cancelled = () => settle({ outcome: LOCAL_ERROR, phase: phaseCode('run'), cause: causeCode('cancelled'), detail: 0 });
      const timer = setTimeout(() => settle(this.#deadline()), this.#context.timeoutMs);
      this.#context.signal.addEventListener('abort', cancelled);
      raw = adoptStream(this.#context.binding, this.#context.sockaddr, (code) => settle(this.#refusal(code)));
      raw?.once('connect', () => {
        this.#connectedAt = monotonicMs();
        this.#phase = 'tls';
        this.#handshake(raw!, settle);
      });
    });
  }

  #handshake(raw: Socket, settle: (end: Judgement | Unexamined) => void): void {
    const profile = this.#profile;
    const name =
      profile.sni ?? (profile.host !== undefined && isIP(profile.host) === 0 ? profile.host.replace(/:\d+$/, '') : undefined);
    let secureContextOfProfile: SecureContext;
    try {
      secureContextOfProfile = secureContext(profile);
    } catch {
      settle({ outcome: LOCAL_ERROR, phase: phaseCode('tls'), cause: causeCode('certificate'), detail: 0 });
      return;
    }
    const { maxBody } = this.#shared;
    const wire = new Wire(raw, (total, piece) => {
      if (this.#phase === 'tls' && !this.#context.patient && total > SHORT_HANDSHAKE) settle(tooLong);
      else if (total > MAX_HANDSHAKE + (this.#phase === 'response' ? 2 * maxBody : 0))
        settle(wrong(this.#tlsPhase(), 'too_large'));
      else this.#context.work(piece);
    });
    const options = { socket: wire, secureContext: secureContextOfProfile, rejectUnauthorized: profile.verify };
    const tls = tlsConnect(name === undefined ? options : { ...options, servername: name });
    this.#socket = tls;
    tls.on('secureConnect', () => {
      const certificate = tls.getPeerCertificate();
      if (certificate.valid_to) this.#context.certificate(Date.parse(certificate.valid_to));
      this.#phase = 'response';
      const out = Buffer.alloc(65_536);
      tls.write(out.subarray(0, this.#exchange.request(out)));
    });
    tls.on('data', (chunk: Buffer) => {
      const judgement = this.#exchange.feed(chunk);
      if (judgement) settle(judgement);
    });
    tls.on('end', () => settle(this.#phase === 'response' ? this.#exchange.closed() : wrong('tls', 'closed')));
    tls.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#phase === 'response') settle(this.#exchange.closed());
      else settle(wrong('tls', /CERT|ALTNAME|VERIFY|SELF_SIGNED/.test(error.code ?? '') ? 'certificate' : 'tls'));
    });
  }

  #tlsPhase(): 'tls' | 'response' {
    return this.#phase === 'response' ? 'response' : 'tls';
  }

  #refusal(code: number): Judgement {
    if (this.#phase !== 'connect') return { outcome: L7, phase: phaseCode('tls'), cause: causeCode('closed'), detail: code };
    return { outcome: connectOutcome(code), phase: phaseCode('connect'), cause: causeCode('errno'), detail: code };
  }

  #deadline(): Judgement {
    if (this.#phase === 'connect')
      return { outcome: TIMEOUT, phase: phaseCode('connect'), cause: causeCode('deadline'), detail: 0 };
    return wrong(this.#phase, 'deadline');
  }

  result(judgement: Judgement) {
    const now = monotonicMs();
    const rtt = this.#connectedAt === 0 ? 0 : this.#connectedAt - this.#started;
    return { ...judgement, rttUs: Math.round(rtt * 1000), elapsedUs: Math.round((now - this.#started) * 1000) };
  }
}
