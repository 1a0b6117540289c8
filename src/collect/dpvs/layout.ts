/**
 * Where fields are in the messages of each release: offsets in bytes, x86-64. Compiled against the headers of v1.8.12, v1.9.2,
 * v1.9.4, v1.9.6, v1.9.8 and v1.10.2 (include/conf/*.h); the wire's version number never changed, and messages of equal size
 * differ inside.
 */
import type { Dialect } from './messages.ts';

export interface ServiceLayout {
  readonly size: number;
  /** Of the count in the 8-byte head of the list, and its bytes. */
  readonly countAt: number;
  readonly countBytes: 2 | 4;
  readonly port: number;
  readonly fwmark: number;
  readonly flags: number;
  /** Five u32: persistence timeout, connection timeout, netmask, limit of bits per second, its proportion. */
  readonly timeout: number;
  readonly address: number;
  readonly scheduler: number;
  readonly dests: number;
  readonly laddrs: number;
  /** Of struct dp_vs_match, 108 B; `texts`: two texts of 256 B and two device names instead. */
  readonly match: number;
  readonly texts: boolean;
  /** Whether flag 8 is SYN proxy and 16 expire-quiescent; they were scheduler flags before. */
  readonly synproxyFlag: boolean;
  /** struct dest_check_configs, 8 B; -1: there is none, and no PROXY protocol either. */
  readonly checks: number;
}

export interface DestLayout {
  readonly address: number;
  readonly port: number;
  readonly connFlags: number;
  readonly weight: number;
  /** Five u32: upper and lower threshold, active, inactive, persistent connections. */
  readonly counts: number;
  /** u16 with the states overloaded and inhibited; -1: this release has none. */
  readonly states: number;
}

export interface AddressLayout {
  readonly entry: number;
  readonly valid: number;
  readonly flags: number;
  readonly device: number;
  readonly broadcast: number;
  readonly address: number;
  /** u8 prefix length, scope, lcore follow each other. */
  readonly prefix: number;
}

export interface PortLayout {
  readonly name: number;
  readonly mac: number;
  readonly status: number;
  readonly duplex: number;
  readonly autoneg: number;
  readonly speed: number;
  readonly rxQueues: number;
  readonly socket: number;
  readonly mtu: number;
  readonly bits: number;
  /** Names of the bits from the lowest; the tools print them so. */
  readonly bitNames: readonly string[];
  /** In PORT_STATS: two u32 of the packet pool, then the counters. */
  readonly pool: number;
  readonly counters: number;
}

export interface Layout {
  /** For people: the releases that write it. */
  readonly releases: string;
  readonly dialects: readonly Dialect[];
  readonly service: ServiceLayout;
  readonly dest: DestLayout;
  readonly address: AddressLayout;
  readonly port: PortLayout;
  /** Bytes of a request for real servers, and before the entries of its reply; the same for local addresses. */
  readonly destFront: number;
  readonly laddrFront: number;
  /** Whether services and real servers of one worker can be asked for by its index. */
  readonly perCore: boolean;
}

const OLD_ADDRESS: AddressLayout = { entry: 67, valid: 55, flags: 63, device: 4, broadcast: 36, address: 20, prefix: 52 };
const OLD_PORT: PortLayout = {
  name: 2,
  mac: 36,
  status: 76,
  duplex: 92,
  autoneg: 108,
  speed: 72,
  rxQueues: 34,
  socket: 68,
  mtu: 70,
  bits: 124,
  bitNames: ['promisc', 'fwd2kni', 'tc-egress', 'tc-ingress', 'rx-ip-csum', 'tx-ip-csum', 'tx-tcp-csum', 'tx-udp-csum'],
  pool: 4,
  counters: 16,
};
const SERVICE = { port: 6, fwmark: 8, flags: 12, timeout: 16, address: 36, scheduler: 52, dests: 176, laddrs: 180, match: 68 };
const DEST = { address: 12, port: 4, connFlags: 28, weight: 8, counts: 36 };

/** struct dp_vs_stats is at these places of a service and of a real server. */
export const SERVICE_STATS: Readonly<Record<number, number>> = { 696: 88, 256: 192, 264: 192 };
export const DEST_SIZE = 120;
export const DEST_STATS = 56;

export const LAYOUTS: readonly Layout[] = [
  {
    releases: 'v1.9.6 to v1.10.2',
    dialects: ['modern', 'early'],
    service: { ...SERVICE, size: 264, countAt: 2, countBytes: 2, texts: false, synproxyFlag: true, checks: 256 },
    dest: { ...DEST, states: 30 },
    address: { entry: 68, valid: 4, flags: 12, device: 16, broadcast: 32, address: 48, prefix: 64 },
    port: {
      name: 0,
      mac: 32,
      status: 64,
      duplex: 80,
      autoneg: 96,
      speed: 112,
      rxQueues: 116,
      socket: 121,
      mtu: 124,
      bits: 126,
      bitNames: [
        'promisc',
        'allmulticast',
        'fwd2kni',
        'tc-egress',
        'tc-ingress',
        'rx-ip-csum',
        'tx-ip-csum',
        'tx-tcp-csum',
        'tx-udp-csum',
        'lldp',
        'tx-fast-free',
      ],
      pool: 0,
      counters: 8,
    },
    destFront: 144,
    laddrFront: 184,
    perCore: true,
  },
  {
    releases: 'v1.9.4',
    dialects: ['classic'],
    service: { ...SERVICE, size: 256, countAt: 4, countBytes: 4, texts: false, synproxyFlag: false, checks: -1 },
    dest: { ...DEST, states: -1 },
    address: OLD_ADDRESS,
    port: OLD_PORT,
    destFront: 144,
    laddrFront: 184,
    perCore: true,
  },
  {
    releases: 'v1.8 to v1.9.2',
    dialects: ['classic'],
    service: {
      size: 696,
      countAt: 4,
      countBytes: 4,
      port: 24,
      fwmark: 28,
      flags: 48,
      timeout: 52,
      address: 8,
      scheduler: 32,
      dests: 72,
      laddrs: 76,
      match: 152,
      texts: true,
      synproxyFlag: false,
      checks: -1,
    },
    dest: { address: 4, port: 20, connFlags: 24, weight: 28, counts: 32, states: -1 },
    address: OLD_ADDRESS,
    port: OLD_PORT,
    destFront: 584,
    laddrFront: 624,
    perCore: false,
  },
];
