/**
 * Receive queues of a NIC and its RSS table: ethtool's netlink family (CHANNELS_GET, RSS_GET; linux/ethtool_netlink.h), and its
 * ioctl where the kernel has no RSS_GET, before 6.2. Changes nothing.
 */
import { getSystemErrorName } from 'node:util';
import { ENOENT } from '../../sys/errno.ts';
import { type AskEthtool, EthtoolError } from '../../sys/ethtool.ts';
import { GenericNetlink } from '../../sys/genetlink.ts';
import { attribute, nested } from '../../sys/netlink.ts';
import { NetlinkError } from '../../sys/netlink-socket.ts';
import type { QueueAnswers } from './part.ts';

const FAMILY = { name: 'ethtool', version: 1, channelsGet: 17, rssGet: 38 } as const;
/** Attributes of requests: header, and in it the device's name. */
const HEADER = 1;
const DEVICE_NAME = 2;
/** ETHTOOL_A_CHANNELS_RX_COUNT and _COMBINED_COUNT, ETHTOOL_A_RSS_INDIR. */
const CHANNELS = { rx: 6, combined: 9 } as const;
const INDIR = 4;
const MOST_ENTRIES = 1 << 16;

/** Errors that say: this device, this driver or this kernel has no such thing. */
const NONE = new Set(['EOPNOTSUPP', 'ENOTSUP', 'ENODEV', 'EINVAL']);

/** Whether an error says that there is nothing to read, rather than that reading went wrong. */
export function isNone(error: unknown): boolean {
  if (error instanceof NetlinkError) return NONE.has(getSystemErrorName(-error.errno));
  return error instanceof EthtoolError && NONE.has(error.code);
}

/** undefined: a kernel without it. Rejects with NetlinkError. */
async function openFamily(signal: AbortSignal): Promise<GenericNetlink | undefined> {
  try {
    return await GenericNetlink.open(FAMILY.name, FAMILY.version, signal);
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

/** Asks the kernel about each device, in their order. Rejects with NetlinkError. */
export async function askQueues(devices: readonly string[], signal: AbortSignal): Promise<readonly QueueAnswers[]> {
  const netlink = await openFamily(signal);
  if (netlink === undefined) return devices.map(() => ({ channels: undefined, rss: undefined }));
  const ask = async (command: number, device: string) => {
    try {
      const header = nested(HEADER, attribute(DEVICE_NAME, Buffer.from(`${device}\0`)));
      return (await netlink.request({ command, attributes: [header] }))[0];
    } catch (error) {
      if (isNone(error)) return undefined;
      throw error;
    }
  };
  try {
    const answers: QueueAnswers[] = [];
    for (const device of devices)
      answers.push({ channels: await ask(FAMILY.channelsGet, device), rss: await ask(FAMILY.rssGet, device) });
    return answers;
  } finally {
    netlink.close();
  }
}

export interface Queues {
  /** Receive queues in use; undefined: the driver does not say. */
  readonly count: number | undefined;
  /** Receive queue of each entry of the RSS table; undefined: the driver has none, or does not show it. */
  readonly table: readonly number[] | undefined;
}

/** Pure. */
export function decodeQueues({ channels, rss }: QueueAnswers): Queues {
  const number = (type: number) => {
    const value = channels?.get(type);
    return value?.length === 4 ? value.readUInt32LE(0) : 0;
  };
  const count = number(CHANNELS.rx) + number(CHANNELS.combined);
  const indirection = rss?.get(INDIR);
  return {
    count: count > 0 ? count : undefined,
    table: indirection === undefined || indirection.length === 0 ? undefined : entries(indirection, 0),
  };
}

function entries(bytes: Buffer, from: number): number[] {
  return Array.from({ length: (bytes.length - from) >> 2 }, (_, i) => bytes.readUInt32LE(from + 4 * i));
}

const TABLE_HEAD = 8;

/**
 * The RSS table by ioctl (struct ethtool_rxfh_indir: u32 command, u32 entries, the entries); undefined: none. @throws
 * EthtoolError
 */
export function readTable(ask: AskEthtool, device: string): readonly number[] | undefined {
  try {
    const head = Buffer.alloc(TABLE_HEAD);
    ask(device, 'GRXFHINDIR', head);
    const size = head.readUInt32LE(4);
    if (size === 0 || size > MOST_ENTRIES) return undefined;
    const whole = Buffer.alloc(TABLE_HEAD + 4 * size);
    whole.writeUInt32LE(size, 4);
    ask(device, 'GRXFHINDIR', whole);
    return entries(whole, TABLE_HEAD);
  } catch (error) {
    if (isNone(error)) return undefined;
    throw error;
  }
}
