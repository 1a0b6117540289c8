/**
 * Routing netlink: what the kernel reports of links, and by which device it would send. Layouts from linux/rtnetlink.h and
 * linux/if_link.h.
 */
import { isIPv6 } from 'node:net';
import { AF_INET, AF_INET6, interfaceName } from './libc.ts';
import {
  attribute,
  errnoOf,
  message,
  NetlinkFormatError,
  type NetlinkMessage,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  parseAttributes,
  parseMessages,
} from './netlink.ts';
import { type NetlinkChannel, NetlinkSocket } from './netlink-socket.ts';
import { addressBytes } from './sockaddr.ts';

const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;
const [RTM_NEWLINK, RTM_DELLINK] = [16, 17];
const [RTM_NEWROUTE, RTM_GETROUTE] = [24, 26];
const IFINFOMSG = 16;
const IFLA_IFNAME = 3;
const RTMSG = 12;
const [RTA_DST, RTA_SRC, RTA_OIF] = [1, 2, 4];
/** Types of routes that send: to another host, or to this one. */
const SENDING: ReadonlySet<number> = new Set([1, 2]);

/** A socket that gets a message for each change of a link. @throws NetlinkError */
export function linkSocket(): NetlinkSocket {
  return new NetlinkSocket(NETLINK_ROUTE, RTMGRP_LINK);
}

/** A socket for requests. @throws NetlinkError */
export function routeSocket(): NetlinkSocket {
  return new NetlinkSocket(NETLINK_ROUTE);
}

/** Names of the links that the messages of a datagram are about. @throws NetlinkFormatError */
export function changedLinks(datagram: Buffer): string[] {
  return parseMessages(datagram).flatMap(({ type, payload }) => {
    if (type !== RTM_NEWLINK && type !== RTM_DELLINK) return [];
    const name = attributesAfter(IFINFOMSG, payload).get(IFLA_IFNAME);
    return name === undefined ? [] : [name.toString('utf8', 0, name.indexOf(0))];
  });
}

/** A question for the route to `destination`, an address without scope, from `source`. */
export function routeRequest(destination: string, source: string, sequence: number): Buffer {
  const family = isIPv6(destination) ? AF_INET6 : AF_INET;
  const [to, from] = [addressBytes(destination), addressBytes(source)];
  const header = Buffer.alloc(RTMSG);
  header.set([family, to.length * 8, from.length * 8]);
  const payload = Buffer.concat([header, attribute(RTA_DST, to), attribute(RTA_SRC, from)]);
  return message({ type: RTM_GETROUTE, flags: NLM_F_REQUEST, sequence, payload });
}

/** Index of the device a route leaves by; undefined when there is no route that sends. @throws NetlinkFormatError */
export function routeAnswer({ type, payload }: NetlinkMessage): number | undefined {
  if (type === NLMSG_ERROR && errnoOf(payload) !== 0) return undefined;
  if (type !== RTM_NEWROUTE) throw new NetlinkFormatError(`type ${type} as an answer about a route`);
  const device = attributesAfter(RTMSG, payload).get(RTA_OIF);
  return SENDING.has(payload[7]!) && device?.length === 4 ? device.readUInt32LE(0) : undefined;
}

function attributesAfter(header: number, payload: Buffer) {
  if (payload.length < header) throw new NetlinkFormatError(`a payload of ${payload.length} bytes, its header has ${header}`);
  return parseAttributes(payload.subarray(header));
}

/** Asked between two turns of the event loop: the kernel answers while it is asked. */
const AT_ONCE = 256;

/**
 * The device that packets from `source` to each destination would leave by; undefined where there is no route, or where the
 * kernel can't be asked. Never rejects.
 */
export async function routeDevices(
  destinations: readonly string[],
  source: string,
  open: () => NetlinkChannel = routeSocket,
): Promise<(string | undefined)[]> {
  const devices: (string | undefined)[] = [];
  let channel: NetlinkChannel | undefined;
  try {
    channel = open();
    for (const [i, destination] of destinations.entries()) {
      devices.push(ask(channel, destination, source, i + 1));
      if (i % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch {
    // No descriptor, no permission: what could not be asked is not verified.
  } finally {
    channel?.close();
  }
  return destinations.map((_, i) => devices[i]);
}

function ask(channel: NetlinkChannel, destination: string, source: string, sequence: number): string | undefined {
  if (isIPv6(destination) !== isIPv6(source)) return undefined;
  channel.send(routeRequest(destination, source, sequence));
  const datagram = channel.receive();
  const answer = datagram && parseMessages(datagram).find((parseMessage) => parseMessage.sequence === sequence);
  const index = answer && routeAnswer(answer);
  return index === undefined ? undefined : interfaceName(index);
}
