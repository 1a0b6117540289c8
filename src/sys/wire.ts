/**
 * A TCP socket whose incoming bytes pass through a function: what TLS does with them, handshakes included, happens inside of it.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Gets a chunk on its way. @param total bytes so far, this chunk included; `piece` takes the chunk in */
export type Passing = (total: number, piece: () => void, chunk: Buffer) => void;

export class Wire extends Duplex {
  readonly #raw: Socket;
  #total = 0;

  constructor(raw: Socket, passing: Passing) {
    super();
    this.#raw = raw;
    raw.on('data', (chunk: Buffer) => {
      this.#total += chunk.length;
      // Not buffered: who reads takes in all that comes, before `push` returns.
      passing(this.#total, () => this.push(chunk), chunk);
    });
    raw.on('end', () => this.push(null));
    raw.on('close', () => this.destroy());
  }

  override _read(): void {
    // The socket flows by itself.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#raw.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#raw.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }
}
