/**
 * Listening, kept up: an address that is taken or not there yet is tried again, since the agent is useful without anybody who
 * asks it.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Backoff } from '../model/backoff.ts';
import { FourlaneError } from '../model/errors.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/** Where a server is to listen: `prepare` makes room for it, `listen` asks for it, `explain` says what is wrong with it. */
export interface Place {
  /** Rejects with FourlaneError LISTEN_FAILED when it is hopeless for now. */
  readonly prepare?: () => Promise<void>;
  readonly listen: (server: Server) => void;
  readonly explain: (error: NodeJS.ErrnoException) => FourlaneError;
  /** Called each time it has begun to listen. */
  readonly after?: () => Promise<void>;
}

export interface Heard {
  /** It listens, on this port. */
  readonly listening: (port: number) => void;
  /** It can't, now; it is tried again. */
  readonly refused: (error: FourlaneError) => void;
}

export class Listening {
  readonly #server: Server;
  readonly #place: Place;
  readonly #heard: Heard;
  readonly #backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(server: Server, place: Place, heard: Heard) {
    this.#server = server;
    this.#place = place;
    this.#heard = heard;
    server.on('error', (error: NodeJS.ErrnoException) => this.#failed(this.#place.explain(error)));
    server.on('listening', () => void this.#began());
    void this.#try();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  async #try(): Promise<void> {
    try {
      await this.#place.prepare?.();
      if (!this.#stopped) this.#place.listen(this.#server);
    } catch (error) {
      this.#failed(error as FourlaneError);
    }
  }

  async #began(): Promise<void> {
    this.#backoff.reset();
    await this.#place.after?.().catch(() => undefined);
    const address = this.#server.address() as AddressInfo | string | null;
    this.#heard.listening(typeof address === 'object' ? (address?.port ?? 0) : 0);
  }

  #failed(error: FourlaneError): void {
    if (this.#stopped) return;
    this.#heard.refused(error);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#try(), this.#backoff.next());
  }
}

/** The address of `listen`. */
export function tcpPlace(host: string, port: number): Place {
  return {
    listen: (server) => void server.listen({ host, port }),
    explain: (error) => {
      const remedies: Record<string, string> = {
        EADDRINUSE:
          `another program listens there (see \`ss -ltnp 'sport = :${port}'\`); ` + 'stop it or change listen in the config file',
        EACCES: 'ports below 1024 need root or CAP_NET_BIND_SERVICE; use a higher port in listen',
        EADDRNOTAVAIL: 'this machine does not have that address; change listen in the config file',
        ENOTFOUND: 'the host name is not known; write an address in listen',
      };
      const remedy = remedies[error.code ?? ''] ?? error.message;
      return new FourlaneError('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${remedy}`, { cause: error });
    },
  };
}
