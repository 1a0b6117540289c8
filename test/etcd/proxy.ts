/**
 * A TCP proxy in front of a member, with the faults that a network has and no kernel here can make: frozen, slow, cut after some
 * bytes.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Proxy {
  readonly #host: string;
  readonly #port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Bytes still passed in this round; Infinity: all. */
  #left = Infinity;
  #frozen = false;
  /** Nobody can connect. */
  refuses = false;
  /** ms before a chunk is passed on. */
  delayMs = 0;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** @returns the port on 127.0.0.1 */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  /** Connections stay, and nothing passes. */
  set frozen(frozen: boolean) {
    this.#frozen = frozen;
    for (const socket of [...this.#pairs].flat()) {
      if (frozen) socket.pause();
      else socket.resume();
    }
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of [...this.#pairs].flat()) socket.destroy();
  }

  /** Ends all connections when so many bytes have passed to the clients: in the middle of whatever is sent. */
  cutAfter(bytes: number): void {
    this.#left = bytes;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #accept(client: Socket): void {
    if (this.refuses) return void client.destroy();
    const upstream = connect(this.#port, this.#host);
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.setNoDelay(true);
      from.on('data', (bytes: Buffer) => this.#pass(bytes, to, to === client));
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#frozen) from.pause();
    }
    return undefined;
  }

  #pass(bytes: Buffer, to: Socket, counts: boolean): void {
    const part = counts ? bytes.subarray(0, Math.max(0, Math.min(bytes.length, this.#left))) : bytes;
    if (this.delayMs === 0) to.write(part);
    else setTimeout(() => to.write(part), this.delayMs);
    if (!counts) return;
    this.#left -= bytes.length;
    if (this.#left > 0) return;
    this.#left = Infinity;
    this.cut();
  }
}
