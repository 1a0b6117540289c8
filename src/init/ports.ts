/** Ports of DPVS, and the kernel's interfaces that stand for them. Pure. */
import type { PortReading } from '../collect/dpvs/data.ts';
import type { Link } from './network.ts';

/** A route of the data plane by one of its devices. */
export interface DataplaneGateway {
  readonly device: string;
  readonly gateway: string;
}

export interface Ports {
  readonly readings: readonly PortReading[];
  readonly gateways: readonly DataplaneGateway[];
}

/**
 * The port behind an interface: DPVS names the kernel's side of `dpdk0` `dpdk0.kni` unless told otherwise, and gives it the
 * port's MAC address.
 */
export function portBehind({ name, mac }: Link, { readings }: Ports): string | undefined {
  const byName = readings.find(({ basic }) => name === `${basic.name}.kni`);
  if (byName !== undefined) return byName.basic.name;
  const same = readings.filter(({ basic, device }) => device && basic.mac.toLowerCase() === mac.toLowerCase());
  // Members of a bond have its address: the bond is what carries traffic.
  return (same.find(({ bond }) => bond !== undefined) ?? (same.length === 1 ? same[0] : undefined))?.basic.name;
}

/** What a port fails together with: its bond, or the port it is a VLAN of. */
export function portGroup(port: string, { readings }: Ports): string {
  const dot = port.lastIndexOf('.');
  const parent = dot > 0 && /^\d{1,4}$/.test(port.slice(dot + 1)) ? port.slice(0, dot) : port;
  return readings.find(({ bond }) => bond?.members.some((member) => member.name === parent))?.basic.name ?? parent;
}
