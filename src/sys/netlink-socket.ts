/** Netlink sockets: datagrams to and from the kernel. Every call is non-blocking. */
import { getSystemErrorName } from 'node:util';
import { EAGAIN } from './errno.ts';
import { inPool } from './in-pool.ts';
import {
  bind,
  close,
  errno,
  MSG_DONTWAIT,
  readable,
  recv,
  send,
  sendLater,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  socket,
} from './libc.ts';
import { NetlinkFormatError } from './netlink.ts';

const AF_NETLINK = 16;
const MSG_TRUNC = 0x20;
/** The kernel's datagrams have at most 32 KiB. */
const BUFFER = 1 << 16;

/** The kernel's refusal. `errno` is positive. */
export class NetlinkError extends Error {
  readonly errno: number;
  constructor(code: number) {
    super(`the kernel answered ${getSystemErrorName(-code)}`);
    this.name = 'NetlinkError';
    this.errno = code;
  }
}

/** Something that takes requests and gives back datagrams: a netlink socket, or a recording. */
export interface NetlinkChannel {
  /** @throws NetlinkError */
  send(bytes: Buffer): void;
  /** The next datagram, undefined while there is none. @throws NetlinkError; ENOBUFS: some were lost */
  receive(): Buffer | undefined;
  close(): void;
}

export class NetlinkSocket implements NetlinkChannel {
  #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER);

  /**
   * A socket of the network namespace this thread is in.
   * @param protocol NETLINK_… of linux/netlink.h
   * @param groups bits of the multicast groups to join
   * @throws NetlinkError
   */
  constructor(protocol: number, groups = 0) {
    this.#fd = check(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(groups, 8);
    try {
      check(bind(this.#fd, address, address.length));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  send(bytes: Buffer): void {
    check(send(this.#fd, bytes, bytes.length, MSG_DONTWAIT));
  }

  /** The same in a thread of Node's pool: some requests are answered while they are sent. Rejects when it is not taken. */
  async sendLater(bytes: Buffer): Promise<void> {
    if ((await inPool(() => sendLater(this.#fd, bytes, 0))) < 0) throw new Error('the kernel does not take the request');
  }

  receive(): Buffer | undefined {
    const length = recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0 && errno() === EAGAIN) return undefined;
    if (check(length) > BUFFER) throw new NetlinkFormatError(`a datagram of ${length} bytes, longer than ${BUFFER}`);
    return Buffer.from(this.#buffer.subarray(0, length));
  }

  /** Resolves when there is something to receive, or after `limitMs`: whether there is. Don't close the socket before. */
  readable(limitMs: number): Promise<boolean> {
    return readable(this.#fd, limitMs);
  }

  close(): void {
    close(this.#fd);
    this.#fd = -1; // its number may be another file's from now on
  }
}

/** A channel whose requests may wait for the kernel's network lock. */
export class PatientChannel implements NetlinkChannel {
  readonly #socket: NetlinkSocket;
  #error: Error | undefined;
  #isSending = false;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  send(bytes: Buffer): void {
    this.#isSending = true;
    this.#socket
      .sendLater(bytes)
      .catch((error: Error) => {
        this.#error = error;
      })
      .finally(() => {
        this.#isSending = false;
      });
  }

  receive(): Buffer | undefined {
    if (this.#error !== undefined) throw this.#error;
    // The answer may be there before the call has come back.
    return this.#isSending ? undefined : this.#socket.receive();
  }

  close(): void {
    this.#socket.close();
  }
}

function check(result: number): number {
  if (result < 0) throw new NetlinkError(errno());
  return result;
}
