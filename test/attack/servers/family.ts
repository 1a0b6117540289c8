/** Real servers of one kind of check: how well-behaved ones answer, and what hostile ones do instead. */
import type { Socket } from 'node:net';

/** Serves one connection. `prepare`: called once before, when that takes time. */
export type Talk = ((socket: Socket) => void) & { readonly prepare?: () => void };

export interface Family {
  readonly tame: Talk;
  readonly hostile: Readonly<Record<string, Talk>>;
}

/** Writes what `next` gives as fast as the peer takes it, until there is no more. */
export function pour(socket: Socket, next: () => Buffer | string | undefined): void {
  const go = () => {
    for (let piece = next(); piece !== undefined; piece = next()) if (!socket.write(piece)) return;
    socket.off('drain', go);
  };
  socket.on('drain', go);
  go();
}

/** Writes a piece every `ms`. */
export function drip(socket: Socket, ms: number, next: () => Buffer | string): void {
  const timer = setInterval(() => socket.writable && socket.write(next()), ms);
  socket.on('close', () => clearInterval(timer));
}

/** Calls `then` once something has come. */
export function asked(socket: Socket, then: () => void): void {
  socket.once('data', then);
  socket.on('data', () => undefined);
}
