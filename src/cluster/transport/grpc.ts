/**
 * Links by @grpc/grpc-js: gRPC over TLS with a client certificate. The only file that knows the library. etcd's HTTP gateway is
 * no alternative: it refuses users that are known by a certificate.
 */
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { type CallOptions, type ChannelOptions, Client, credentials, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import type { EtcdTls } from '../../model/plan.ts';
import type { Method } from '../wire/methods.ts';
import { type Identity, readIdentity, versionOf } from './identity.ts';
import { CODES, type Dial, type Link, RpcError, type Stream, type StreamEvents } from './link.ts';

/**
 * With a faster ping, etcd with `--listen-client-http-urls` ends the connection (`too_many_pings`) after the fourth one. A member
 * that is stopped or cut off is found after at most the sum of both.
 */
const PING_EVERY_MS = 5000;
const PING_TIMEOUT_MS = 3000;
/** What a server certificate is asked for when an endpoint is an address: TLS has no names of addresses. */
const NAME_OF_ADDRESS = 'etcd';

const OPTIONS: ChannelOptions = {
  'grpc.keepalive_time_ms': PING_EVERY_MS,
  'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
  'grpc.max_send_message_length': -1,
  // What is tried again is decided where it is known whether that is right.
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  // A connection is never shared with another link: closing one must not depend on the other.
  'grpc.use_local_subchannel_pool': 1,
  'grpc-node.flow_control_window': 4 << 20,
};

const asIs = (bytes: Buffer) => bytes;

/**
 * Dials with these certificates.
 * @param used called with those of each link that is made
 * @param mostBytes of one answer, left out = any number: pages and fragments bound them
 */
export function grpcDial(tls: EtcdTls, used: (identity: Identity) => void = () => undefined, mostBytes = -1): Dial {
  return async (endpoint) => {
    const identity = await readIdentity(tls);
    used(identity);
    return new GrpcLink(endpoint, tls, identity, mostBytes);
  };
}

class GrpcLink implements Link {
  readonly endpoint: string;
  readonly #tls: EtcdTls;
  readonly #version: string;
  readonly #client: Client;
  /** What runs: the library lets it run on when a client is closed. */
  readonly #running = new Set<{ cancel(): void }>();

  constructor(endpoint: string, tls: EtcdTls, identity: Identity, mostBytes: number) {
    this.endpoint = endpoint;
    this.#tls = tls;
    this.#version = identity.version;
    const { hostname, port } = new URL(endpoint);
    const host = hostname.replace(/^\[|\]$/g, '');
    const address = isIP(host) !== 0;
    const named = address ? { 'grpc.ssl_target_name_override': NAME_OF_ADDRESS } : {};
    const options = { ...OPTIONS, ...named, 'grpc.max_receive_message_length': mostBytes };
    const secure = credentials.createSsl(identity.ca, identity.key, identity.cert, {
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    });
    this.#client = new Client(`${schemeOf(host)}:${hostname}:${port || 443}`, secure, options);
  }

  call(method: Method, request: Buffer, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      const call = this.#client.makeUnaryRequest(method, asIs, asIs, request, metadata(), options, (error, answer) => {
        this.#running.delete(call);
        if (error !== null) reject(new RpcError(error.code, error.details));
        else if (answer === undefined) reject(new RpcError(CODES.internal, 'there was no answer'));
        else resolve(answer);
      });
      this.#running.add(call);
    });
  }

  first(method: Method, request: Buffer, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const events = {
        message: (bytes: Buffer) => {
          resolve(bytes);
          stream.close();
        },
        ended: reject,
      };
      const stream = this.#open(method, events, { deadline: Date.now() + timeoutMs });
      stream.write(request);
    });
  }

  stream(method: Method, events: StreamEvents): Stream {
    return this.#open(method, events, {});
  }

  #open(method: Method, events: StreamEvents, options: CallOptions): Stream {
    let over = false;
    const call: ClientDuplexStream<Buffer, Buffer> = this.#client.makeBidiStreamRequest(method, asIs, asIs, metadata(), options);
    this.#running.add(call);
    const end = (code: number, details: string) => {
      this.#running.delete(call);
      if (over) return;
      over = true;
      events.ended(new RpcError(code, details));
    };
    call.on('data', (bytes: Buffer) => {
      if (!over) events.message(bytes);
    });
    // A status other than ok comes as an error, before `status` or after it.
    call.on('error', (error: Error & { code?: number; details?: string }) =>
      end(error.code ?? CODES.internal, error.details ?? error.message),
    );
    call.on('status', ({ code, details }) => end(code === 0 ? CODES.unavailable : code, details || 'the stream ended'));
    return {
      write: (message) => void (over || call.write(message)),
      pause: () => void call.pause(),
      resume: () => void call.resume(),
      close: () => {
        over = true;
        this.#running.delete(call);
        call.cancel();
      },
    };
  }

  async outdated(): Promise<boolean> {
    try {
      if ((await versionOf(this.#tls)) === this.#version) return false;
      await readIdentity(this.#tls);
      return true;
    } catch {
      return false; // half written, perhaps: what is in use is better
    }
  }

  close(): void {
    for (const call of this.#running) call.cancel();
    this.#client.close();
  }
}

function schemeOf(host: string): string {
  const family = isIP(host);
  return family === 0 ? 'dns' : `ipv${family}`;
}

/** Without it, a member that has lost the others keeps a watch open, and silent. */
function metadata(): Metadata {
  const made = new Metadata();
  made.set('hasleader', 'true');
  return made;
}
