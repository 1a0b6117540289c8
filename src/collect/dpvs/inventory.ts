/**
 * What is asked for rarely and only when wanted: neighbours, routes, access lists, multicast addresses, connections. Pure; v1.9.6
 * and later.
 */
import { address, hostPort, protocolName } from './address.ts';
import type { Message } from './messages.ts';
import { atLeast, entries, text } from './wire.ts';

export const NEIGHBOUR_STATES = ['none', 'send', 'reachable', 'probe', 'delay'] as const;

export interface Neighbour {
  readonly address: string;
  readonly mac: string;
  readonly device: string;
  readonly state: (typeof NEIGHBOUR_STATES)[number] | 'other';
  readonly lcore: number;
  readonly fixed: boolean;
}

/** struct dp_vs_neigh_conf, 52 B, of all interfaces when the request is zero. */
export const NEIGHBOUR_REQUEST = Buffer.alloc(52);

/** An entry for each core that knows it. @throws DecodeError */
export function decodeNeighbours(body: Buffer): Neighbour[] {
  atLeast('NEIGHBOURS', body, 4);
  return entries('NEIGHBOURS', body, { front: 4, size: 52, count: body.readInt32LE(0) }, (at) => ({
    address: address(body.readInt32LE(at), body, at + 8),
    mac: Array.from(body.subarray(at + 24, at + 30), (byte) => byte.toString(16).padStart(2, '0')).join(':'),
    device: text(body, at + 34, 16),
    state: NEIGHBOUR_STATES[body.readUInt32LE(at + 4)] ?? 'other',
    lcore: body[at + 51]!,
    fixed: (body[at + 50]! & 2) !== 0,
  }));
}

export interface Route {
  readonly family: 4 | 6;
  readonly destination: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly source: string;
  readonly device: string;
  readonly mtu: number;
  readonly metric: number;
  readonly flags: number;
}

export const ROUTES_REQUEST = Buffer.alloc(112);
/** struct dp_vs_route6_conf, 104 B, zero but for the flag 0x400 at its end: routes to be used, of any kind. */
export const ROUTES6_REQUEST = Buffer.alloc(104);
ROUTES6_REQUEST.writeUInt32LE(0x400, 100);

/** struct dp_vs_route_detail, 112 B. @throws DecodeError */
export function decodeRoutes(body: Buffer): Route[] {
  atLeast('ROUTES', body, 4);
  return entries('ROUTES', body, { front: 4, size: 112, count: body.readInt32LE(0) }, (at) => ({
    family: 4,
    destination: address(2, body, at + 16),
    prefix: body.readInt32LE(at + 32),
    source: address(2, body, at + 36),
    gateway: address(2, body, at + 56),
    device: text(body, at + 96, 16),
    mtu: body.readUInt32LE(at + 4),
    metric: body.readUInt32LE(at + 12),
    flags: body.readUInt32LE(at + 8),
  }));
}

/** struct dp_vs_route6_conf, 104 B. @throws DecodeError */
export function decodeRoutes6(body: Buffer): Route[] {
  atLeast('ROUTES6', body, 4);
  return entries('ROUTES6', body, { front: 4, size: 104, count: body.readInt32LE(0) }, (at) => ({
    family: 6,
    destination: address(10, body, at + 4),
    prefix: body.readInt32LE(at + 20),
    source: address(10, body, at + 24),
    gateway: address(10, body, at + 80),
    device: text(body, at + 64, 16),
    mtu: body.readUInt32LE(at + 96),
    metric: 0,
    flags: body.readUInt32LE(at + 100),
  }));
}

export interface AccessEntry {
  readonly service: string;
  /** An address, or `ipset:name`. */
  readonly subject: string;
}

/** Entries of DENY_LIST or ALLOW_LIST: struct dp_vs_blklst_conf, 68 B. @throws DecodeError */
export function decodeAccessList(message: Message, body: Buffer): AccessEntry[] {
  atLeast(message, body, 4);
  return entries(message, body, { front: 4, size: 68, count: body.readInt32LE(0) }, (at) => {
    const family = body[at + 19]!;
    const set = text(body, at + 36, 32);
    return {
      service: `${hostPort(family, body, at, at + 16)}/${protocolName(body[at + 18]!)}`,
      subject: set === '' ? address(family, body, at + 20) : `ipset:${set}`,
    };
  });
}

/** Request for the multicast addresses of a port. */
export function encodeMulticast(port: string): Buffer {
  const body = Buffer.alloc(16);
  body.write(port.slice(0, 15), 'latin1');
  return body;
}

/** Multicast addresses of an interface: struct inet_maddr_entry, 44 B. @throws DecodeError */
export function decodeMulticast(body: Buffer): string[] {
  atLeast('MULTICAST', body, 4);
  return entries('MULTICAST', body, { front: 4, size: 44, count: body.readInt32LE(0) }, (at) =>
    address(body.readInt32LE(at + 32), body, at + 16),
  );
}

/** MAC addresses that a port takes beside its own: struct netif_hw_addr_entry, 26 B. @throws DecodeError */
export function decodeMulticastMacs(body: Buffer): string[] {
  atLeast('MULTICAST_MAC', body, 4);
  return entries('MULTICAST_MAC', body, { front: 4, size: 26, count: body.readInt32LE(0) }, (at) => text(body, at, 18));
}

export interface Connection {
  readonly lcore: number;
  readonly protocol: string;
  readonly client: string;
  readonly service: string;
  readonly local: string;
  readonly realServer: string;
  readonly state: string;
  /** Seconds until it is forgotten. */
  readonly timeout: number;
}

/** Request for the first connections of the table: struct ip_vs_conn_req, 48 B, flag 1 = all. */
export const CONNECTIONS_REQUEST = Buffer.alloc(48);
CONNECTIONS_REQUEST.writeUInt32LE(1, 0);

/** One page of the table: u32 count, u32 result, u8 lcore, then struct ip_vs_conn_entry, 104 B. @throws DecodeError */
export function decodeConnections(body: Buffer): Connection[] {
  atLeast('CONNECTIONS', body, 9);
  return entries('CONNECTIONS', body, { front: 9, size: 104, count: body.readUInt32LE(0) }, (at) => {
    const [inside, outside] = [body.readUInt16LE(at), body.readUInt16LE(at + 2)];
    return {
      protocol: protocolName(body.readUInt16LE(at + 4)),
      client: hostPort(inside, body, at + 8, at + 72),
      service: hostPort(inside, body, at + 24, at + 74),
      local: hostPort(outside, body, at + 40, at + 76),
      realServer: hostPort(outside, body, at + 56, at + 78),
      timeout: body.readUInt32LE(at + 80),
      lcore: body[at + 84]!,
      state: text(body, at + 85, 16),
    };
  });
}
