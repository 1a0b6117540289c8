/** Lines of a FIFO at the moment they come: for times that count to the millisecond. */
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Fifo, type FifoOptions } from './fifo.ts';
import { FileError } from './files.ts';
import { LineSplitter } from './line-splitter.ts';

export class FifoStream {
  readonly #fifo: Fifo;
  readonly #socket: Socket;
  /** Why nothing comes any more; '' = it is read. */
  problem = '';

  private constructor(fifo: Fifo, socket: Socket) {
    this.#fifo = fifo;
    this.#socket = socket;
  }

  /**
   * Opens the FIFO as `Fifo.open` does: made when there is none, locked, what was in it before dropped. Rejects with FileError.
   * @param take called with each line, without its end
   */
  static async open(path: string, options: FifoOptions, take: (line: string) => void): Promise<FifoStream> {
    const fifo = await Fifo.open(path, options);
    try {
      // Another descriptor for reading: the first one keeps the lock, and a writer, so that the end never comes.
      const fd = openSync(`/proc/self/fd/${fifo.fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
      const socket = new Socket({ fd, readable: true, writable: false });
      const stream = new FifoStream(fifo, socket);
      const lines = new LineSplitter(options.maxLine);
      socket.unref();
      socket.on('error', (error) => (stream.problem = error.message));
      socket.on('data', (chunk: Buffer) => {
        for (const line of lines.push(chunk).lines) take(line);
      });
      return stream;
    } catch (error) {
      await fifo.close();
      throw new FileError('read', path, error);
    }
  }

  /** Whether the FIFO is still the one at its path: keepalived may have made another one. */
  isCurrent(): Promise<boolean> {
    return this.problem === '' ? this.#fifo.isSame(this.#fifo.path) : Promise.resolve(false);
  }

  /** Closes it; the FIFO stays, since its writer has it open. */
  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#fifo.close();
  }
}
