/**
 * One connection of a mirror: what was seen is confirmed, what is needed is read, and then the ranges are watched until it ends.
 */
import { CODES, type Link, RpcError, type Stream } from '../transport/link.ts';
import { rangeRequest, readRange } from '../wire/kv.ts';
import { METHODS } from '../wire/methods.ts';
import { readTxn, txnRequest } from '../wire/txn.ts';
import { progressRequest, readWatch, type WatchAnswer, watchRequest } from '../wire/watch.ts';
import type { Book } from './book.ts';
import type { Batch } from './changes.ts';

export interface Times {
  /** For the first answer of a connection, and for a probe. */
  readonly connectMs: number;
  readonly callMs: number;
  /** A member that reports nothing for so long, not even when asked, is given up: its watch loop is stuck. */
  readonly silenceMs: number;
  /** How often the certificates on the disk are looked at. */
  readonly certificatesMs: number;
}

export interface SessionParts {
  readonly link: Link;
  readonly books: readonly Book[];
  readonly times: Times;
  /** Keys in one answer: with fewer, a big range takes etcd much longer, since it counts all of it for every page. */
  readonly page: number;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** Takes changes of the range with this index. A promise: nothing more until it resolves. */
  readonly take: (range: number, batch: Batch) => Promise<void> | undefined;
  /** An answer that came from a member with a leader. */
  readonly heard: () => void;
  /** All ranges are complete, and watched. */
  readonly complete: () => void;
}

/** Runs until the link fails or should be replaced; always rejects with the reason. */
export async function session(parts: SessionParts): Promise<never> {
  for (const [i, book] of parts.books.entries()) {
    book.connected();
    if (book.needs === undefined) await confirm(parts, i);
  }
  for (;;) {
    for (const [i, book] of parts.books.entries()) if (book.needs !== undefined) await snapshot(parts, i);
    await watch(parts);
  }
}

/** Reads the change seen last again, as it was: the only way to notice an etcd that was restored and has gone on since. */
async function confirm({ link, books, times, heard }: SessionParts, i: number): Promise<void> {
  const book = books[i]!;
  const { key, revision } = book.probe();
  try {
    const ranges = [
      { op: 'range', range: { key }, options: { revision } },
      { op: 'range', range: book.range, options: { revision, countOnly: true } },
    ] as const;
    const answer = readTxn(await link.call(METHODS.txn, txnRequest({ compare: [], operations: ranges }), times.connectMs));
    book.confirm(answer.header, answer.ranges[0]?.items[0], answer.ranges[1]?.count ?? -1);
    heard();
  } catch (error) {
    if (!book.refused(error)) throw error;
  }
}

/** The first page is a linearizable read: a member that is cut off from the majority can't answer it. */
async function snapshot({ link, books, times, page, take, heard }: SessionParts, i: number): Promise<void> {
  const book = books[i]!;
  for (;;) {
    const options = book.nextPage(page);
    try {
      const limitMs = options.from === undefined ? times.connectMs : times.callMs;
      const answer = readRange(await link.call(METHODS.range, rangeRequest(book.range, options), limitMs));
      heard();
      const batch = book.page(answer);
      await take(i, batch);
      if (batch.last) return;
    } catch (error) {
      // Compacted while it was read: from the beginning.
      if (options.from === undefined || !book.refused(error)) throw error;
    }
  }
}

/** Resolves when one of the ranges must be read again. */
function watch(parts: SessionParts): Promise<void> {
  const { link, books, times, clock } = parts;
  return new Promise((resolve, reject) => {
    let heardAt = clock();
    let waiting = false;
    let created = 0;
    let over = false;
    const end = (error?: Error) => {
      if (over) return;
      over = true;
      clearInterval(silence);
      clearInterval(certificates);
      stream.close();
      if (error === undefined) resolve();
      else reject(error);
    };
    const hold = (until: Promise<void>) => {
      waiting = true;
      stream.pause();
      void until.then(() => {
        waiting = false;
        heardAt = clock();
        if (!over) stream.resume();
      });
    };
    const receive = (answer: WatchAnswer) => {
      heardAt = clock();
      parts.heard();
      if (answer.canceled && answer.compacted === 0) return end(new RpcError(codeOf(answer), `watch refused: ${answer.reason}`));
      const range = answer.id - 1;
      const book = books[range];
      if (book === undefined) return undefined; // the answer to a request of progress: a sign of life
      const batch = book.watched(answer);
      const busy = batch && parts.take(range, batch);
      if (busy !== undefined) hold(busy);
      if (book.needs !== undefined) return end();
      if (answer.created && ++created === books.length) parts.complete();
      return undefined;
    };
    const silence = setInterval(() => {
      if (waiting) return;
      if (clock() - heardAt > times.silenceMs) end(new RpcError(CODES.deadlineExceeded, 'the watch is silent'));
      else stream.write(progressRequest());
    }, times.silenceMs / 4);
    const certificates = setInterval(() => {
      void link.outdated().then((outdated) => outdated && end(new RenewedError()));
    }, times.certificatesMs);
    const stream: Stream = link.stream(METHODS.watch, {
      message: (bytes) => {
        try {
          receive(readWatch(bytes));
        } catch (error) {
          end(error as Error);
        }
      },
      ended: end,
    });
    for (const [i, book] of books.entries()) {
      book.opened();
      stream.write(watchRequest(i + 1, book.range, book.revision + 1));
    }
  });
}

/** etcd gives the reason as text only. */
function codeOf({ reason }: WatchAnswer): number {
  return reason.includes('permission denied') ? CODES.permissionDenied : CODES.unavailable;
}

/** The certificates on the disk are new: the connection is made again with them. */
export class RenewedError extends Error {
  constructor() {
    super('the certificates were renewed');
    this.name = 'RenewedError';
  }
}
