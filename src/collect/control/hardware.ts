/** Which hardware is below a NIC: itself, or what its VLAN or bond is stacked on. */
import { findNames, readNames } from '../../sys/sysfs.ts';

/** VLAN on VLAN on bond on NIC. */
const DEEPEST = 4;
const MOST_MEMBERS = 16;
const LOWER = 'lower_';
const MOST_ENTRIES = 1024;

/** Devices with hardware behind them, by name; none for a device without, such as veth. @param net `/sys/class/net` */
export async function hardwareBelow(
  net: string,
  device: string,
  signal: AbortSignal,
  depth = DEEPEST,
): Promise<readonly string[]> {
  if ((await readNames(`${net}/${device}/device`, signal)).length > 0) return [device];
  if (depth === 0) return [];
  const lower = await findNames(`${net}/${device}`, LOWER, MOST_ENTRIES, signal);
  const found: string[] = [];
  for (const entry of lower.toSorted((a, b) => (a < b ? -1 : 1)).slice(0, MOST_MEMBERS))
    found.push(...(await hardwareBelow(net, entry.slice(LOWER.length), signal, depth - 1)));
  return [...new Set(found)];
}
