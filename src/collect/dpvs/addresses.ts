/**
 * Addresses of interfaces with their port pools (IFADDRS), and local addresses of services (LADDRS). Pure; layouts in layout.ts.
 */
import type { Exact } from '../../model/exact.ts';
import { address } from './address.ts';
import type { AddressLayout, Layout } from './layout.ts';
import type { Service } from './services.ts';
import { atLeast, entries, text, u64 } from './wire.ts';

export interface InterfaceAddress {
  readonly address: string;
  readonly prefix: number;
  /** Interface of the data plane; may be a VLAN of a port. */
  readonly device: string;
  readonly scope: number;
  readonly lcore: number;
  /** Seconds; 0: for ever. */
  readonly valid: number;
  readonly preferred: number;
  readonly broadcast: string;
  /** Ports of a local address over all workers; undefined when it has no pool. `missed` is a u32 that wraps. */
  readonly pool: { readonly used: number; readonly free: number; readonly missed: number } | undefined;
}

const OPERATION_GET = 1;
const PER_CORE = 0x1;
const STATS = 0x2;
const SAPOOL = 0x1_0000;

/** Request for the addresses of all interfaces with their port pools, all workers together or each. */
export function encodeInterfaceAddresses({ address: l }: Layout, perCore = false): Buffer {
  const body = Buffer.alloc(8 + l.entry);
  body.writeUInt32LE(OPERATION_GET, 0);
  body.writeUInt32LE(STATS | (perCore ? PER_CORE : 0), 4);
  return body;
}

/** @throws DecodeError */
export function decodeInterfaceAddresses({ address: l }: Layout, body: Buffer): InterfaceAddress[] {
  atLeast('IFADDRS', body, 12);
  const size = l.entry + 12;
  const withStats = (body.readUInt32LE(4) & (STATS | PER_CORE)) !== 0;
  return entries('IFADDRS', body, { front: 12, size, count: body.readInt32LE(8) }, (at) => entryAt(l, body, at, withStats));
}

function entryAt(l: AddressLayout, body: Buffer, at: number, withStats: boolean): InterfaceAddress {
  const family = body.readInt32LE(at);
  const stats = at + l.entry;
  const pooled = withStats && (body.readUInt32LE(at + l.flags) & SAPOOL) !== 0;
  return {
    address: address(family, body, at + l.address),
    prefix: body[at + l.prefix]!,
    scope: body[at + l.prefix + 1]!,
    lcore: body[at + l.prefix + 2]!,
    device: text(body, at + l.device, 16),
    valid: body.readUInt32LE(at + l.valid),
    preferred: body.readUInt32LE(at + l.valid + 4),
    broadcast: address(family, body, at + l.broadcast),
    pool: pooled
      ? { used: body.readUInt32LE(stats), free: body.readUInt32LE(stats + 4), missed: body.readUInt32LE(stats + 8) }
      : undefined,
  };
}

export interface LocalAddress {
  readonly address: string;
  readonly connections: number;
  /** Always 0 so far. */
  readonly conflicts: Exact;
}

/** Request for the local addresses of a service, all workers together. */
export function encodeLocalAddresses({ service: l, laddrFront }: Layout, { entry }: Service): Buffer {
  const body = Buffer.alloc(laddrFront);
  entry.copy(body, 0, 0, 5);
  entry.copy(body, 8, l.address, l.address + 16);
  entry.copy(body, 24, l.port, l.port + 2);
  entry.copy(body, 28, l.fwmark, l.fwmark + 4);
  entry.copy(body, 32, l.match, l.match + (l.texts ? 544 : 108));
  return body;
}

/** @throws DecodeError */
export function decodeLocalAddresses({ laddrFront, service }: Layout, body: Buffer): LocalAddress[] {
  atLeast('LADDRS', body, laddrFront);
  const count = body.readInt32LE(service.texts ? 616 : 180);
  return entries('LADDRS', body, { front: laddrFront, size: 40, count }, (at) => ({
    address: address(body.readInt32LE(at), body, at + 4),
    connections: body.readUInt32LE(at + 32),
    conflicts: u64(body, at + 24),
  }));
}
