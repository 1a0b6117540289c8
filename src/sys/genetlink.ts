/**
 * Generic netlink: asks a family of the kernel by name. The kernel answers a request while it is being sent, so nothing here waits for
 * long; every call is non-blocking all the same, and between two datagrams of a long dump the event loop runs.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { EAGAIN } from './errno.ts';
import { bind, close, errno, MSG_DONTWAIT, recv, send, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW, socket } from './libc.ts';
import {
  type Attributes,
  attribute,
  errnoOf,
  message,
  NetlinkFormatError,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseAttributes,
  parseMessages,
} from './netlink.ts';

const AF_NETLINK = 16;
const NETLINK_GENERIC = 16;
const MSG_TRUNC = 0x20;
/** The kernel's datagrams of a dump have at most 32 KiB. */
const BUFFER = 1 << 16;

const GENL_HEADER = 4;
const CONTROL = { id: 16, version: 1, getFamily: 3, familyId: 1, familyName: 2 } as const;

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
  send(bytes: Buffer): void;
  /** The next datagram, undefined while there is none. */
  receive(): Buffer | undefined;
  close(): void;
}

/** A netlink socket of the network namespace this thread is in. @throws NetlinkError */
export function netlinkSocket(): NetlinkChannel {
  let fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_GENERIC);
  if (fd < 0) throw new NetlinkError(errno());
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  const buffer = Buffer.allocUnsafeSlow(BUFFER);
  const check = (result: number) => {
    if (result < 0) throw new NetlinkError(errno());
    return result;
  };
  try {
    check(bind(fd, address, address.length));
  } catch (error) {
    close(fd);
    throw error;
  }
  return {
    send: (bytes) => void check(send(fd, bytes, bytes.length, MSG_DONTWAIT)),
    receive() {
      const length = recv(fd, buffer, buffer.length, MSG_DONTWAIT | MSG_TRUNC);
      if (length < 0 && errno() === EAGAIN) return undefined;
      if (check(length) > BUFFER) throw new NetlinkFormatError(`a datagram of ${length} bytes, longer than ${BUFFER}`);
      return Buffer.from(buffer.subarray(0, length));
    },
    close() {
      close(fd);
      fd = -1; // its number may be another file's from now on
    },
  };
}

export interface FamilyRequest {
  readonly command: number;
  readonly attributes: readonly Buffer[];
  /** Ask for a list; else for one answer or an acknowledgement. */
  readonly dump?: boolean;
}

export class GenericNetlink {
  readonly #channel: NetlinkChannel;
  readonly #signal: AbortSignal;
  #sequence = 0;
  #family = 0;
  #version = 0;

  private constructor(channel: NetlinkChannel, signal: AbortSignal) {
    this.#channel = channel;
    this.#signal = signal;
  }

  /**
   * Finds the family; every request ends when `signal` aborts. Rejects with NetlinkError; ENOENT: no module of the kernel offers this family.
   */
  static async open(name: string, version: number, signal: AbortSignal, channel = netlinkSocket()): Promise<GenericNetlink> {
    const it = new GenericNetlink(channel, signal);
    try {
      const wanted = attribute(CONTROL.familyName, Buffer.from(`${name}\0`));
      const [answer] = await it.#ask(CONTROL.id, CONTROL.version, { command: CONTROL.getFamily, attributes: [wanted] });
      const id = answer?.get(CONTROL.familyId);
      if (id?.length !== 2) throw new NetlinkFormatError(`the family ${name} has no number`);
      it.#family = id.readUInt16LE(0);
      it.#version = version;
      return it;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** The answers' attributes, in their order. Rejects with NetlinkError, NetlinkFormatError or the signal's reason. */
  request(request: FamilyRequest): Promise<Attributes[]> {
    return this.#ask(this.#family, this.#version, request);
  }

  close(): void {
    this.#channel.close();
  }

  async #ask(type: number, version: number, { command, attributes, dump = false }: FamilyRequest): Promise<Attributes[]> {
    const sequence = ++this.#sequence;
    const flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
    this.#channel.send(message({ type, flags, sequence, payload: Buffer.concat([header(command, version), ...attributes]) }));
    const answers: Attributes[] = [];
    for (;;) {
      for (const answer of parseMessages(await this.#receive())) {
        if (answer.sequence !== sequence) continue; // of a request that was given up
        if (answer.type === NLMSG_DONE || answer.type === NLMSG_ERROR) {
          const code = errnoOf(answer.payload);
          if (code !== 0) throw new NetlinkError(code);
          return answers;
        }
        if (answer.payload.length < GENL_HEADER) throw new NetlinkFormatError(`a payload of ${answer.payload.length} bytes`);
        answers.push(parseAttributes(answer.payload.subarray(GENL_HEADER)));
      }
    }
  }

  async #receive(): Promise<Buffer> {
    for (;;) {
      await turn();
      this.#signal.throwIfAborted();
      const datagram = this.#channel.receive();
      if (datagram !== undefined) return datagram;
      await sleep(1);
    }
  }
}

/** genlmsghdr. */
function header(command: number, version: number): Buffer {
  return Buffer.from([command, version, 0, 0]);
}
