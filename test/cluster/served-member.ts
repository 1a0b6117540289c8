/** The member in memory, served as etcd is: gRPC over HTTP/2 over TLS with client certificates, on a port of its own. */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { readFileSync } from 'node:fs';
import type { EtcdTls } from '../../src/model/plan.ts';
import { METHODS, type Method } from '../../src/cluster/wire/methods.ts';
import { RpcError } from '../../src/cluster/transport/link.ts';
import { FakeMember } from './member.ts';

const path = (name: string) => new URL(`../fixtures/tls/${name}.pem`, import.meta.url).pathname;
/** One certificate for all: its own authority, the member's and the client's. */
export const TLS: EtcdTls = { ca: path('member'), cert: path('member'), key: path('member-key') };
const HEAD = 5;

export class ServedMember {
  readonly member = new FakeMember();
  /** `hasleader` of each request. */
  readonly leaders: unknown[] = [];
  readonly #server: Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor() {
    const [ca, key] = [readFileSync(TLS.ca), readFileSync(TLS.key)];
    this.#server = createSecureServer({ ca, cert: ca, key, requestCert: true, rejectUnauthorized: true });
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('error', () => undefined);
      session.on('close', () => this.#sessions.delete(session));
    });
    this.#server.on('stream', (stream, headers) => {
      this.leaders.push(headers['hasleader']);
      stream.on('error', () => undefined);
      void this.#serve(stream, headers[':path'] as Method);
    });
  }

  /** @returns the endpoint */
  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () =>
        resolve(`https://127.0.0.1:${(this.#server.address() as { port: number }).port}`),
      );
    });
  }

  /** Ends all connections. */
  cut(): void {
    for (const session of this.#sessions) session.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  async #serve(stream: ServerHttp2Stream, method: Method): Promise<void> {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    let status = { 'grpc-status': '0', 'grpc-message': '' };
    stream.on('wantTrailers', () => stream.sendTrailers(status));
    const refuse = (error: unknown) => {
      const { code, message } = error as RpcError;
      status = { 'grpc-status': String(code), 'grpc-message': message };
      stream.end();
    };
    const send = (bytes: Buffer) => {
      const head = Buffer.alloc(HEAD);
      head.writeUInt32BE(bytes.length, 1);
      if (!stream.destroyed) stream.write(Buffer.concat([head, bytes]));
    };
    const link = await this.member.dial('served');
    const watch = method === METHODS.watch ? link.stream(method, { message: send, ended: refuse }) : undefined;
    stream.on('close', () => watch?.close());
    let left = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      left = Buffer.concat([left, chunk]);
      while (left.length >= HEAD && left.length >= HEAD + left.readUInt32BE(1)) {
        const message = left.subarray(HEAD, HEAD + left.readUInt32BE(1));
        left = left.subarray(HEAD + message.length);
        if (watch !== undefined) watch.write(message);
        else
          link.call(method, message, 0).then((answer) => {
            send(answer);
            stream.end();
          }, refuse);
      }
    });
  }
}
