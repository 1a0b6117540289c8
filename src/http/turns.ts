/**
 * One request at a time per connection. What a client sends ahead waits for the answer before it; a client that sends too far
 * ahead is cut off, since the parser reads on to the end of what has arrived, and each request that waits holds memory.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';

/** Requests that may wait behind the one being answered. */
const MOST_AHEAD = 32;

type Answer = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

interface Line {
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[];
  busy: boolean;
}

export class Turns {
  readonly #answer: Answer;
  readonly #lines = new WeakMap<Socket, Line>();

  /** @param answer answers one request; never rejects */
  constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** Takes a request as it was read from its connection. */
  take(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req;
    if (socket.destroyed) return;
    let line = this.#lines.get(socket);
    if (line === undefined) this.#lines.set(socket, (line = { waiting: [], busy: false }));
    if (line.waiting.length >= MOST_AHEAD) {
      line.waiting.length = 0;
      socket.destroy();
      return;
    }
    line.waiting.push([req, res]);
    if (!line.busy) void this.#run(line);
  }

  async #run(line: Line): Promise<void> {
    line.busy = true;
    for (;;) {
      const next = line.waiting.shift();
      if (next === undefined) break;
      const [req, res] = next;
      if (req.socket.destroyed) continue;
      await this.#answer(req, res);
      // A client that goes away is no error of ours.
      if (!res.writableFinished && !res.destroyed) await finished(res).catch(() => undefined);
    }
    line.busy = false;
  }
}
