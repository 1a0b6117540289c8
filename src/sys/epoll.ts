/** One epoll instance, edge-triggered, polled with a zero timeout from the lane's tick. */
import { close, EPOLL_CTL_ADD, epollCreate, epollCtl, epollWait, errno, EPOLLET } from './libc.ts';

// struct epoll_event is packed on x86-64 only.
const packed = process.arch === 'x64';
const SIZE = packed ? 12 : 16;
const DATA = packed ? 4 : 8;
const MAX = 512;

/** Receives one ready descriptor: the tag given to `add` (two 32-bit halves) and the event mask. */
export type OnReady = (tagLow: number, tagHigh: number, events: number) => void;

export class Epoll {
  /** The epoll descriptor itself. */
  readonly fd: number;
  readonly #one = Buffer.alloc(SIZE);
  readonly #events = Buffer.alloc(SIZE * MAX);

  constructor() {
    this.fd = epollCreate(0o2000000);
    if (this.fd < 0) throw new Error(`epoll_create1 failed: errno ${errno()}`);
  }

  /** Watches `fd` for `events` (edge-triggered) until it is closed. @returns false when the kernel refuses. */
  add(fd: number, events: number, tagLow: number, tagHigh: number): boolean {
    this.#one.writeUInt32LE((events | EPOLLET) >>> 0, 0);
    this.#one.writeInt32LE(tagLow, DATA);
    this.#one.writeInt32LE(tagHigh, DATA + 4);
    return epollCtl(this.fd, EPOLL_CTL_ADD, fd, this.#one) === 0;
  }

  /** Delivers everything that is ready now. @returns how many. */
  poll(ready: OnReady): number {
    let total = 0;
    for (;;) {
      const n = epollWait(this.fd, this.#events, MAX, 0);
      for (let i = 0; i < n; i++) {
        const at = i * SIZE;
        ready(this.#events.readInt32LE(at + DATA), this.#events.readInt32LE(at + DATA + 4), this.#events.readUInt32LE(at));
      }
      total += Math.max(n, 0);
      if (n < MAX) return total;
    }
  }

  close(): void {
    close(this.fd);
  }
}
