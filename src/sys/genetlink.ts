/**
 * Generic netlink: asks a family of the kernel by name. The kernel answers a request while it is being sent, so nothing here
 * waits for long; every call is non-blocking all the same, and between two datagrams of a long dump the event loop runs.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
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
import { type NetlinkChannel, NetlinkError, NetlinkSocket } from './netlink-socket.ts';

const NETLINK_GENERIC = 16;

const GENL_HEADER = 4;
const CONTROL = { id: 16, version: 1, getFamily: 3, familyId: 1, familyName: 2 } as const;

/** A socket for generic netlink. @throws NetlinkError */
export function genericSocket(): NetlinkSocket {
  return new NetlinkSocket(NETLINK_GENERIC);
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
   * Finds the family; every request ends when `signal` aborts. Rejects with NetlinkError; ENOENT: no module of the kernel offers
   * this family.
   */
  static async open(
    name: string,
    version: number,
    signal: AbortSignal,
    channel: NetlinkChannel = genericSocket(),
  ): Promise<GenericNetlink> {
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
