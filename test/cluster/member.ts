/** A member of etcd in memory, as links to it: the store of the model, spoken to in bytes. */
import { CODES, type Dial, type Link, RpcError, type Stream, type StreamEvents } from '../../src/cluster/transport/link.ts';
import { decode, numberOf, textOf } from '../../src/cluster/wire/decode.ts';
import { encode } from '../../src/cluster/wire/encode.ts';
import type { Header } from '../../src/cluster/wire/header.ts';
import type { KeyValue, RangeAnswer } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import type { Event } from '../../src/cluster/wire/watch.ts';
import { Store } from './store.ts';

const headerBytes = ({ cluster, member, revision, term }: Header) => encode({ 1: cluster, 2: member, 3: revision, 4: term });
const kvBytes = ({ key, value, created, modified, version, lease }: KeyValue) =>
  encode({ 1: key, 2: created, 3: modified, 4: version, 5: value, 6: lease });
const rangeBytes = ({ header, items, more, count }: RangeAnswer) =>
  encode({ 1: headerBytes(header), 2: items.map(kvBytes), 3: more, 4: count });
const eventBytes = ({ deleted, kv }: Event) => encode({ 1: Number(deleted), 2: kvBytes(kv) });

interface Request {
  readonly key: string;
  readonly end: boolean;
  readonly limit: number;
  readonly revision: number;
}

function readRequest(bytes: Buffer): Request {
  const request = { key: '', end: false, limit: 0, revision: 0 };
  decode(bytes, (number, value) => {
    if (number === 1) request.key = textOf(value);
    else if (number === 2) request.end = true;
    else if (number === 3) request.limit = numberOf(value);
    else if (number === 4) request.revision = numberOf(value);
  });
  return request;
}

export class FakeMember {
  readonly store = new Store();
  /** What each call is refused with, while it is set. */
  refuses: Error | undefined;
  /** Neither calls nor streams are answered. */
  silent = false;
  outdated = false;
  calls = 0;
  dials = 0;
  readonly watched: number[] = [];
  readonly streams = new Set<StreamEvents>();
  paused = false;

  readonly dial: Dial = (endpoint) => {
    this.dials++;
    return Promise.resolve(this.#link(endpoint));
  };

  /** Sends events of these revisions to every stream, as the watch with this id. */
  send(from = this.store.revision, id = 1): void {
    for (const events of this.store.since(from)) {
      const bytes = encode({ 1: headerBytes(this.store.header), 2: id, 11: events.map(eventBytes) });
      for (const stream of this.streams) stream.message(bytes);
    }
  }

  answer(fields: Readonly<Record<number, number | boolean | string>>): void {
    const bytes = encode({ 1: headerBytes(this.store.header), ...fields });
    for (const stream of this.streams) stream.message(bytes);
  }

  /** All connections end. */
  cut(): void {
    for (const stream of this.streams) stream.ended(new RpcError(CODES.unavailable, 'cut'));
  }

  #link(endpoint: string): Link {
    const call: Link['call'] = async (method, request) => {
      this.calls++;
      if (this.silent) return new Promise(() => undefined);
      if (this.refuses !== undefined) throw this.refuses;
      if (method === METHODS.range) return rangeBytes(this.#range(readRequest(request)));
      const ranges: Buffer[] = [];
      decode(request, (_, operation) =>
        decode(operation as Buffer, (_1, range) =>
          ranges.push(encode({ 1: rangeBytes(this.#range(readRequest(range as Buffer))) })),
        ),
      );
      return encode({ 1: headerBytes(this.store.header), 2: true, 3: ranges });
    };
    return {
      endpoint,
      call,
      first: call,
      stream: (_, events) => this.#stream(events),
      outdated: async () => this.outdated,
      close() {},
    };
  }

  #range({ key, end, limit, revision }: Request): RangeAnswer {
    const options = { ...(limit === 0 ? {} : { limit }), ...(revision === 0 ? {} : { revision }) };
    return this.store.range(end ? { ...options, from: key } : options, end ? undefined : key);
  }

  #stream(events: StreamEvents): Stream {
    this.streams.add(events);
    return {
      write: (message) =>
        decode(message, (kind, body) => {
          if (this.silent) return;
          if (kind === 3) return this.answer({ 2: -1 });
          const fields = new Map<number, number>();
          decode(body as Buffer, (number, value) => {
            if (typeof value === 'number') fields.set(number, value);
          });
          this.watched.push(fields.get(3)!);
          return this.answer({ 2: fields.get(7)!, 3: true });
        }),
      pause: () => void (this.paused = true),
      resume: () => void (this.paused = false),
      close: () => void this.streams.delete(events),
    };
  }
}
