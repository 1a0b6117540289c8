/**
 * The open connections, and which of them goes when there are too many: the one that has been idle for longest, never the newest,
 * so that nobody can shut others out by holding connections open.
 */
import type { Socket } from 'node:net';
import { monotonicMs } from '../sys/clock.ts';

interface Connection {
  /** Requests being answered, or waiting for that. */
  busy: number;
  /** Number of the last event on it: of its beginning, until a request has come. */
  used: number;
  asked: boolean;
  readonly address: string;
  /** When it began, ms of the clock. */
  readonly since: number;
}

/** A connection that has not asked yet may be about to for so long, ms. */
const GRACE_MS = 1000;
/** Above any number of an event. */
const LATER = 2 ** 50;

export interface ConnectionLimits {
  readonly all: number;
  /** From one address that is not this machine's own. */
  readonly perAddress: number;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Map<Socket, Connection>();
  readonly #isLocal: (address: string) => boolean;
  #events = 0;
  /** Idle ones that were closed to make room. */
  evicted = 0;

  constructor(limits: ConnectionLimits, isLocal: (address: string) => boolean) {
    this.#limits = limits;
    this.#isLocal = isLocal;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes a new connection, and closes an idle one for it when there are too many. */
  add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    this.#open.set(socket, { busy: 0, used: ++this.#events, asked: false, address, since: monotonicMs() });
    socket.once('close', () => this.#open.delete(socket));
    if (this.#open.size > this.#limits.all) this.#evict(() => true);
    if (this.#ofAddress(address) > this.#perAddress(address)) this.#evict((other) => other.address === address);
  }

  /** A request has come. @returns what to call when its answer is over */
  begin(socket: Socket): () => void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return () => undefined;
    connection.busy++;
    connection.asked = true;
    connection.used = ++this.#events;
    return () => {
      connection.busy--;
      connection.used = ++this.#events;
    };
  }

  /** Why a request on this connection is not answered: there are too many, and none of them idle. */
  refusal(socket: Socket): string | undefined {
    const { all } = this.#limits;
    if (this.#open.size > all) return `more than ${all} connections, and all of them busy; try again`;
    const address = this.#open.get(socket)?.address ?? '';
    const limit = this.#perAddress(address);
    if (this.#ofAddress(address) > limit) return `more than ${limit} connections from ${address}, all of them busy; try again`;
    return undefined;
  }

  #perAddress(address: string): number {
    return this.#isLocal(address) ? this.#limits.all : this.#limits.perAddress;
  }

  #ofAddress(address: string): number {
    let count = 0;
    for (const connection of this.#open.values()) if (connection.address === address) count++;
    return count;
  }

  /**
   * First those that have long not asked anything, then those that have not for longest since they did, and last those that have
   * just come: a flood of connections must not take the one that is about to ask.
   */
  #evict(may: (connection: Connection) => boolean): void {
    const now = monotonicMs();
    let victim: readonly [Socket, Connection] | undefined;
    let least = Infinity;
    for (const each of this.#open) {
      const [, connection] = each;
      if (connection.busy > 0 || !may(connection)) continue;
      const { asked, used, since } = connection;
      const order = used + (asked ? LATER : now - since < GRACE_MS ? 2 * LATER : 0);
      if (order < least) [victim, least] = [each, order];
    }
    // The newest is idle too until it has asked: it is refused when there is no other.
    if (victim === undefined || victim[1].used === this.#events) return;
    this.evicted++;
    this.#open.delete(victim[0]);
    victim[0].destroy();
  }
}
