/** One kernel network device as /sys/class/net shows it. */
import { type Exact, parseExact } from '../../model/exact.ts';
import { readAttribute, readLinkName, readNames } from '../../sys/sysfs.ts';

export const OPERSTATES = ['up', 'down', 'lowerlayerdown', 'dormant', 'testing', 'notpresent', 'unknown'] as const;

/** Files of statistics/ that are read. */
export const STATISTICS = [
  'rx_packets',
  'tx_packets',
  'rx_bytes',
  'tx_bytes',
  'rx_errors',
  'tx_errors',
  'rx_dropped',
  'tx_dropped',
  'rx_missed_errors',
  'rx_crc_errors',
] as const;
export type Statistic = (typeof STATISTICS)[number];

export interface Device {
  readonly name: string;
  /** Another one after the device has been removed and created again. */
  readonly ifindex: number;
  /** Kernel driver; left out for devices without hardware behind them. */
  readonly driver?: string;
  readonly operstate: string;
  readonly adminUp: boolean;
  /** Left out while administratively down. */
  readonly carrier?: 0 | 1;
  /** Times the carrier went, since the device was made. */
  readonly carrierLosses?: Exact;
  /** Mbit/s; left out when unknown. */
  readonly speed?: number;
  /** Left out when unknown. */
  readonly duplex?: 'full' | 'half';
  readonly mtu: number;
  readonly queues: { readonly rx: number; readonly tx: number };
  readonly statistics: Readonly<Partial<Record<Statistic, Exact>>>;
}

const IFF_UP = 1;
/** SPEED_UNKNOWN is -1; some drivers print it unsigned. */
const MOST_MBITS = 10_000_000;

/**
 * Reads a device. Undefined when there is none of this name, also when it went, or was created again, while it was read.
 * @param root `/sys/class/net`, or a copy of it
 */
export async function readDevice(root: string, name: string, signal: AbortSignal): Promise<Device | undefined> {
  const at = `${root}/${name}`;
  const attribute = (file: string) => readAttribute(`${at}/${file}`, signal);
  const number = async (file: string) => parseExact((await attribute(file)) ?? '');
  const ifindex = await attribute('ifindex');
  if (ifindex === undefined) return undefined;
  const statistics: Partial<Record<Statistic, Exact>> = {};
  for (const file of STATISTICS) {
    const value = await number(`statistics/${file}`);
    if (value !== undefined) statistics[file] = value;
  }
  const flags = await attribute('flags');
  const carrier = await attribute('carrier');
  const losses = await number('carrier_down_count');
  const duplex = await attribute('duplex');
  const driver = await readLinkName(`${at}/device/driver`, signal);
  const speed = plausibleSpeed(await attribute('speed'));
  const operstate = (await attribute('operstate')) ?? 'unknown';
  const mtu = Number(await attribute('mtu'));
  const queues = await readNames(`${at}/queues`, signal);
  if ((await attribute('ifindex')) !== ifindex) return undefined;
  return {
    name,
    ifindex: Number(ifindex),
    ...(driver === undefined ? {} : { driver }),
    operstate,
    adminUp: (Number(flags) & IFF_UP) !== 0,
    ...(carrier === '0' || carrier === '1' ? { carrier: Number(carrier) as 0 | 1 } : {}),
    ...(losses === undefined ? {} : { carrierLosses: losses }),
    ...(speed === undefined ? {} : { speed }),
    ...(duplex === 'full' || duplex === 'half' ? { duplex } : {}),
    mtu,
    queues: {
      rx: queues.filter((q) => q.startsWith('rx-')).length,
      tx: queues.filter((q) => q.startsWith('tx-')).length,
    },
    statistics,
  };
}

/** Mbit/s of `speed`; undefined when it means "unknown" or is nonsense. */
function plausibleSpeed(text: string | undefined): number | undefined {
  const speed = /^\d{1,8}$/.test(text ?? '') ? Number(text) : 0;
  return speed > 0 && speed <= MOST_MBITS ? speed : undefined;
}

/** Whether the device is the kernel's end of a DPDK port, by DPVS's naming: what it counts is not the port's traffic. */
export function isKernelEnd({ name }: Pick<Device, 'name'>): boolean {
  return name.endsWith('.kni');
}

/**
 * Whether speed and duplex mean a wire. Drivers without one have a constant (veth 10 Gbit/s, the kernel's end of a DPDK port 10
 * Mbit/s), and virtio shows whatever its host is configured with.
 */
export function isWire(device: Pick<Device, 'name' | 'driver'>): boolean {
  return device.driver !== undefined && device.driver !== 'virtio_net' && !isKernelEnd(device);
}
