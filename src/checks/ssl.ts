/** ssl: https with SNI, optional verification, certificate expiry. node:tls runs on the lane's device-bound descriptor. */
import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { connect as tlsConnect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import { causeCode, L7, LOCAL_ERROR, phaseCode, TIMEOUT } from '../model/outcome.ts';
import { adoptStream } from '../sys/adopt.ts';
import { monotonicMs } from '../sys/clock.ts';
import { connectOutcome } from '../sys/errno.ts';
import { HttpExchange, type HttpProfile, hostText, httpProfile } from './http-exchange.ts';
import { boundedMatching, httpParameters } from './http-parameters.ts';
import { wrong } from './judgement.ts';
import { type AsyncCheck, checkKind, type Judgement, type RunContext } from './kind.ts';

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
  summary: 'HTTPS request: as http, plus SNI, verification and certificate expiry',
  schema: schema.superRefine(boundedMatching),
  prepare(profile, address): AsyncCheck {
    const shared = httpProfile(profile);
    const host = hostText(address);
    return { run: (context) => new SecureProbe(profile, shared, host, context).run() };
  },
});

const contexts = new WeakMap<object, SecureContext>();

/** One TLS context per profile object: building one costs milliseconds. @throws when the CA file can't be read. */
function secureContext(profile: Profile): SecureContext {
  let made = contexts.get(profile);
  if (!made) {
    made = createSecureContext(profile.ca === undefined ? {} : { ca: readFileSync(profile.ca) });
    contexts.set(profile, made);
  }
  return made;
}

class SecureProbe {
  readonly #profile: Profile;
  readonly #context: RunContext;
  readonly #exchange: HttpExchange;
  readonly #started = monotonicMs();
  #connectedAt = 0;
  #phase: 'connect' | 'tls' | 'response' = 'connect';
  #socket: TLSSocket | undefined;

  constructor(profile: Profile, shared: HttpProfile, host: string, context: RunContext) {
    this.#profile = profile;
    this.#context = context;
    this.#exchange = new HttpExchange(shared, host);
  }

  run() {
    return new Promise<ReturnType<SecureProbe['result']>>((resolve) => {
      let settled = false;
      let raw: Socket | undefined;
      const settle = (judgement: Judgement) => {
        if (settled) return;
        settled = true;
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

  #handshake(raw: Socket, settle: (judgement: Judgement) => void): void {
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
    const options = { socket: raw, secureContext: secureContextOfProfile, rejectUnauthorized: profile.verify };
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
