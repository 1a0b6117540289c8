/**
 * Ports: PORT_LIST, PORT_BASIC, PORT_STATS, PORT_XSTATS, PORT_EXT_INFO, BOND_STATUS (include/conf/netif.h). Pure; layouts in
 * layout.ts.
 */
import type { Exact } from '../../model/exact.ts';
import type { Layout } from './layout.ts';
import { atLeast, DecodeError, entries, exactly, text, u64 } from './wire.ts';

export interface PortName {
  readonly id: number;
  readonly name: string;
  readonly bond: boolean;
  /** Not a VLAN, a tunnel or the like: a device of DPDK is behind it. */
  readonly device: boolean;
}

/**
 * Head: u16 count, then first id and end of physical ports, and of bonds. The list may have room to spare.
 * @throws DecodeError
 */
export function decodePortList(body: Buffer): PortName[] {
  atLeast('PORT_LIST', body, 10);
  const within = (id: number, at: number) => id >= body.readUInt16LE(at) && id < body.readUInt16LE(at + 2);
  return entries('PORT_LIST', body, { front: 10, size: 18, count: body.readUInt16LE(0), spare: true }, (at) => {
    const id = body.readUInt16LE(at);
    const bond = within(id, 6);
    return { id, name: text(body, at + 2, 16), bond, device: bond || within(id, 2) };
  });
}

/** Request about one port; DPVS's own tools send 32 bytes too. */
export function encodePort(name: string): Buffer {
  const body = Buffer.alloc(32);
  body.write(name.slice(0, 31), 'latin1');
  return body;
}

export interface PortBasic {
  readonly name: string;
  readonly mac: string;
  readonly up: boolean;
  readonly duplex: string;
  readonly autoneg: string;
  readonly megabits: number;
  readonly rxQueues: number;
  readonly txQueues: number;
  readonly socket: number;
  readonly mtu: number;
  /** `promisc`, `lldp` … */
  readonly flags: readonly string[];
}

/** @throws DecodeError */
export function decodePortBasic({ port: l }: Layout, body: Buffer): PortBasic {
  exactly('PORT_BASIC', body, 128);
  const status = text(body, l.status, 16);
  if (status !== 'UP' && status !== 'DOWN')
    throw new DecodeError('PORT_BASIC', `link status ${JSON.stringify(status)}`, 'UP or DOWN');
  const bits = body.readUInt16LE(l.bits);
  return {
    name: text(body, l.name, 32),
    mac: text(body, l.mac, 32),
    up: status === 'UP',
    duplex: text(body, l.duplex, 16),
    autoneg: text(body, l.autoneg, 16),
    megabits: body.readUInt32LE(l.speed),
    rxQueues: body[l.rxQueues]!,
    txQueues: body[l.rxQueues + 1]!,
    socket: body[l.socket]!,
    mtu: body.readUInt16LE(l.mtu),
    flags: l.bitNames.filter((_, i) => ((bits >> i) & 1) === 1),
  };
}

export interface PortStats {
  /** Of the packet pool that the port takes buffers from. */
  readonly poolFree: number;
  readonly poolUsed: number;
  readonly inPackets: Exact;
  readonly outPackets: Exact;
  readonly inBytes: Exact;
  readonly outBytes: Exact;
  readonly inMissed: Exact;
  readonly inErrors: Exact;
  readonly outErrors: Exact;
  readonly noBuffer: Exact;
}

/** @throws DecodeError */
export function decodePortStats({ port: { pool, counters: c } }: Layout, body: Buffer): PortStats {
  exactly('PORT_STATS', body, 720);
  return {
    poolFree: body.readUInt32LE(pool),
    poolUsed: body.readUInt32LE(pool + 4),
    inPackets: u64(body, c),
    outPackets: u64(body, c + 8),
    inBytes: u64(body, c + 16),
    outBytes: u64(body, c + 24),
    inMissed: u64(body, c + 32),
    inErrors: u64(body, c + 40),
    outErrors: u64(body, c + 48),
    noBuffer: u64(body, c + 56),
  };
}

export interface Xstat {
  readonly id: Exact;
  readonly name: string;
  readonly value: Exact;
}

/** An empty body: the driver has none. @throws DecodeError */
export function decodeXstats(body: Buffer): Xstat[] {
  if (body.length === 0) return [];
  atLeast('PORT_XSTATS', body, 8);
  return entries('PORT_XSTATS', body, { front: 8, size: 80, count: body.readUInt16LE(2) }, (at) => ({
    id: u64(body, at),
    value: u64(body, at + 8),
    name: text(body, at + 16, 64),
  }));
}

export interface PortExtInfo {
  readonly pci: string;
  readonly driver: string;
  /** struct netif_nic_dev_get, whose numbers are only of interest to people. */
  readonly numbers: Readonly<Record<string, Exact>>;
  /** Lines about which core polls which queue, and about multicast addresses of the hardware. */
  readonly queues: readonly string[];
  readonly multicast: readonly string[];
}

/** Bytes of the numbers of struct netif_nic_dev_get, packed, in their order; named as dpip prints them. */
const DEVICE_FIELDS = {
  if_index: 4,
  min_rx_bufsize: 4,
  max_rx_pktlen: 4,
  max_rx_queues: 2,
  max_tx_queues: 2,
  max_mac_addrs: 4,
  max_hash_addrs: 4,
  max_vfs: 2,
  max_vmdq_pools: 2,
  rx_ol_capa: 4,
  tx_ol_capa: 4,
  reta_size: 4,
  hash_key_size: 1,
  flowtype_rss_ol: 8,
  vmdq_que_base: 2,
  vmdq_que_num: 2,
  vmdq_pool_base: 2,
  rx_desc_max: 2,
  rx_desc_min: 2,
  rx_desc_align: 2,
  tx_desc_max: 2,
  tx_desc_min: 2,
  tx_desc_align: 2,
  speed_capa: 4,
};
const EXT_FRONT = 184;

/**
 * u16 port, struct netif_nic_dev_get packed (two names of 32 B, then numbers), u64 offset and length of the text about queues at
 * 137, of that about multicast addresses at 153, u64 bytes of all texts at 176. @throws DecodeError
 */
export function decodePortExtInfo(body: Buffer): PortExtInfo {
  atLeast('PORT_EXT_INFO', body, EXT_FRONT);
  exactly('PORT_EXT_INFO', body, EXT_FRONT + Number(u64(body, 176)));
  const numbers: Record<string, Exact> = {};
  let at = 66;
  for (const [name, bytes] of Object.entries(DEVICE_FIELDS)) {
    numbers[name] = bytes === 8 ? u64(body, at) : body.readUIntLE(at, bytes);
    at += bytes;
  }
  return { pci: text(body, 2, 32), driver: text(body, 34, 32), numbers, queues: lines(body, 137), multicast: lines(body, 153) };
}

/** Lines of the text whose offset and length are at this place. */
function lines(body: Buffer, at: number): string[] {
  const from = EXT_FRONT + Number(u64(body, at));
  const end = from + Number(u64(body, at + 8));
  if (end > body.length) throw new DecodeError('PORT_EXT_INFO', `a text up to byte ${end}`, `at most ${body.length}`);
  const whole = body.toString('latin1', from, end).split('\0')[0]!;
  return whole
    .split('\n')
    .map((line) => line.replace(/[^ -~]/g, '?').trim())
    .filter((line) => line !== '');
}

export interface Bond {
  readonly mode: number;
  readonly active: number;
  readonly members: readonly { readonly name: string; readonly active: boolean; readonly primary: boolean }[];
}

/** @throws DecodeError */
export function decodeBond(body: Buffer): Bond {
  exactly('BOND_STATUS', body, 2392);
  // Both numbers are DPDK's, and negative when it has an error.
  const count = body.readInt32LE(4);
  if (count > 32) throw new DecodeError('BOND_STATUS', `${count} members`, 'at most 32');
  const members = Array.from({ length: Math.max(0, count) }, (_, i) => {
    const at = 12 + 72 * i;
    return { name: text(body, at, 32), active: body.readInt32LE(at + 64) !== 0, primary: body.readInt32LE(at + 68) !== 0 };
  });
  return { mode: body.readInt32LE(0), active: Math.max(0, body.readInt32LE(8)), members };
}
