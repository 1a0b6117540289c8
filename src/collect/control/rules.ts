/**
 * Rules of a NIC that steer packets to queues (`ethtool -n`; ntuple, Flow Director). ethtool's netlink family has none of them,
 * so they come by its ioctl: struct ethtool_rxnfc of linux/ethtool.h on 64-bit machines, integers in host order:
 *
 *     u32 command@0 | u32 flow type@4 | u64 data@8 | rule, 168 B@16 | u32 count@184 | u32 locations@188…
 *     rule: u32 flow type@0 | values@4 | masks@76 | u64 queue@152 | u32 location@160; values and masks in network order
 */
import type { AskEthtool } from '../../sys/ethtool.ts';
import { address, AF_INET, AF_INET6 } from '../dpvs/address.ts';
import { isNone } from './queues.ts';

const SIZE = 192;
const RULE = 16;
const COUNT = 184;
const LOCATIONS = 188;
const AT = { values: RULE + 4, masks: RULE + 76, queue: RULE + 152 } as const;
const MOST_RULES = 8192;

/** Flags beside the flow type, and its kinds. FLOW_RSS: the queue is chosen by a table of its own. */
const FLAGS = 0xe000_0000;
const FLOW_RSS = 0x2000_0000;
interface Kind {
  readonly protocol: 'tcp' | 'udp' | 'ip';
  readonly family: typeof AF_INET | typeof AF_INET6;
  /** Whether ports follow the addresses. */
  readonly ports: boolean;
}
const KINDS: Readonly<Record<number, Kind>> = {
  1: { protocol: 'tcp', family: AF_INET, ports: true },
  2: { protocol: 'udp', family: AF_INET, ports: true },
  5: { protocol: 'tcp', family: AF_INET6, ports: true },
  6: { protocol: 'udp', family: AF_INET6, ports: true },
  13: { protocol: 'ip', family: AF_INET, ports: false },
  14: { protocol: 'ip', family: AF_INET6, ports: false },
};
const DROP = 0xffff_ffff_ffff_ffffn;
const QUEUE_BITS = 0xffff_ffffn;

export interface Rule {
  readonly location: number;
  /** `table`: chosen by another RSS table. */
  readonly queue: number | 'drop' | 'table';
  readonly protocol: 'tcp' | 'udp' | 'ip' | 'other';
  /** What is compared as a whole; what is left out is not, or only in part. */
  readonly source?: string;
  readonly destination?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** undefined: the driver has no rules. @throws EthtoolError */
export function readRules(ask: AskEthtool, device: string): readonly Rule[] | undefined {
  try {
    const counted = Buffer.alloc(SIZE);
    ask(device, 'GRXCLSRLCNT', counted);
    const count = Math.min(counted.readUInt32LE(COUNT), MOST_RULES);
    const listed = Buffer.alloc(SIZE + 4 * count);
    listed.writeUInt32LE(count, COUNT);
    ask(device, 'GRXCLSRLALL', listed);
    // One may have been removed in between.
    const found = Math.min(count, listed.readUInt32LE(COUNT));
    return Array.from({ length: found }, (_, i) => one(ask, device, listed.readUInt32LE(LOCATIONS + 4 * i))).flat();
  } catch (error) {
    if (isNone(error)) return undefined;
    throw error;
  }
}

/** None when it is gone. */
function one(ask: AskEthtool, device: string, location: number): readonly Rule[] {
  const bytes = Buffer.alloc(SIZE);
  bytes.writeUInt32LE(location, RULE + 160);
  try {
    ask(device, 'GRXCLSRULE', bytes);
  } catch (error) {
    if (isNone(error)) return [];
    throw error;
  }
  return [decodeRule(bytes)];
}

/** Pure. `bytes`: a struct ethtool_rxnfc as the kernel fills it for one rule. */
export function decodeRule(bytes: Buffer): Rule {
  const type = bytes.readUInt32LE(RULE);
  const cookie = bytes.readBigUInt64LE(AT.queue);
  const queue = cookie === DROP ? 'drop' : (type & FLOW_RSS) !== 0 ? 'table' : Number(cookie & QUEUE_BITS);
  const common = { location: bytes.readUInt32LE(RULE + 160), queue } as const;
  const kind = KINDS[(type & ~FLAGS) >>> 0];
  if (kind === undefined) return { ...common, protocol: 'other' };
  const size = kind.family === AF_INET ? 4 : 16;
  const isWhole = (at: number, length: number) => bytes.subarray(AT.masks + at, AT.masks + at + length).every((b) => b === 0xff);
  const host = (at: number) => (isWhole(at, size) ? address(kind.family, bytes, AT.values + at) : undefined);
  const port = (at: number) => (kind.ports && isWhole(at, 2) ? bytes.readUInt16BE(AT.values + at) : undefined);
  const [source, destination] = [host(0), host(size)];
  const [sourcePort, destinationPort] = [port(2 * size), port(2 * size + 2)];
  return {
    ...common,
    protocol: kind.protocol,
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
    ...(sourcePort === undefined ? {} : { sourcePort }),
    ...(destinationPort === undefined ? {} : { destinationPort }),
  };
}
