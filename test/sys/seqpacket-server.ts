/** A SOCK_SEQPACKET server in this process, for tests: what Node can't listen on. */
import { existsSync, unlinkSync } from 'node:fs';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int, int, int)') as (family: number, type: number, protocol: number) => number;
const bind = libc.func('int bind(int, void*, uint)') as (fd: number, address: Uint8Array, length: number) => number;
const listen = libc.func('int listen(int, int)') as (fd: number, backlog: number) => number;
const accept = libc.func('int accept4(int, void*, void*, int)') as (fd: number, a: null, b: null, flags: number) => number;
const recv = libc.func('long recv(int, void*, size_t, int)') as (fd: number, b: Uint8Array, n: number, flags: number) => number;
const send = libc.func('long send(int, void*, size_t, int)') as (fd: number, b: Uint8Array, n: number, flags: number) => number;
const close = libc.func('int close(int)') as (fd: number) => number;

const AF_UNIX = 1;
/** SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC */
const TYPE = 5 | 0o4000 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** A client that has just been answered soon asks again: ms. */
const EAGER_MS = 3;

/** One client, seen from the server. */
export interface Peer {
  send(packet: string | Uint8Array): void;
  close(): void;
}

export interface Handlers {
  /** A connection has been accepted. */
  readonly accepted?: (peer: Peer) => void;
  readonly packet?: (text: string, peer: Peer) => void;
}

export class SeqpacketServer {
  readonly path: string;
  readonly #fd: number;
  readonly #handlers: Handlers;
  readonly #peers = new Map<number, Peer>();
  readonly #buffer = Buffer.alloc(65_536);
  #activeAt = 0;
  #stop: () => void = () => undefined;
  /** While false, connections wait in the backlog. */
  accepting = true;

  /** Listens at `path`, in place of whatever is there. `backlog`: DPDK has 1. */
  constructor(path: string, handlers: Handlers, backlog = 1) {
    this.path = path;
    this.#handlers = handlers;
    if (existsSync(path)) unlinkSync(path);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(path, 2);
    this.#fd = socket(AF_UNIX, TYPE, 0);
    if (bind(this.#fd, address, address.length) !== 0 || listen(this.#fd, backlog) !== 0) {
      throw new Error(`${path}: errno ${koffi.errno()}`);
    }
    this.#turn();
  }

  get clients(): number {
    return this.#peers.size;
  }

  #turn = (): void => {
    this.#again();
    const fd = this.accepting ? accept(this.#fd, null, null, TYPE - 5) : -1;
    if (fd >= 0) this.#accept(fd);
    for (const [client, peer] of this.#peers) {
      const n = recv(client, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
      if (n >= 0) this.#activeAt = performance.now();
      if (n > 0) this.#handlers.packet?.(this.#buffer.toString('utf8', 0, n), peer);
      else if (n === 0) peer.close();
    }
  };

  /** At once while there is something to do, else a millisecond later: a fake that spins takes a CPU from what is tested. */
  #again(): void {
    if (performance.now() - this.#activeAt < EAGER_MS) {
      const next = setImmediate(this.#turn);
      this.#stop = () => clearImmediate(next);
    } else {
      const next = setTimeout(this.#turn, 1);
      this.#stop = () => clearTimeout(next);
    }
  }

  #accept(fd: number): void {
    this.#activeAt = performance.now();
    const peer = {
      send: (packet: string | Uint8Array) => {
        const bytes = Buffer.from(packet as string);
        if (this.#peers.has(fd)) send(fd, bytes, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT);
      },
      close: () => {
        if (this.#peers.delete(fd)) close(fd);
      },
    };
    this.#peers.set(fd, peer);
    this.#handlers.accepted?.(peer);
  }

  /** Ends it as a killed process does: every connection is gone, the file stays. */
  close(): void {
    this.#stop();
    for (const peer of this.#peers.values()) peer.close();
    close(this.#fd);
  }
}
