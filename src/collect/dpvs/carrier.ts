/** Which port of DPVS carries an address. Pure. */
import type { InterfaceAddress } from './addresses.ts';
import type { Details, PortReading } from './data.ts';

/** Interface that has the address. */
export function interfacesOf(addresses: readonly InterfaceAddress[]): ReadonlyMap<string, string> {
  return new Map(addresses.map((a) => [a.address, a.device]));
}

/** The address of `10.0.0.1:80/tcp`, `[fd00::1]:80/tcp`; undefined for services without one. */
export function addressOf(vip: string): string | undefined {
  const m = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+)):\d+\//.exec(vip);
  return m?.[1] ?? m?.[2];
}

/**
 * The port below an interface: of the interface itself, the port it is a VLAN of (`dpdk0.102`), and the bond it belongs to, the
 * first that the config names; when it names none of them, the port it is a VLAN of.
 */
export function carrier(device: string, ports: readonly PortReading[], named: ReadonlySet<string>): string {
  const dot = device.lastIndexOf('.');
  const parent = dot > 0 && /^\d{1,4}$/.test(device.slice(dot + 1)) ? device.slice(0, dot) : device;
  const bond = ports.find((p) => p.bond?.members.some((m) => m.name === parent))?.basic.name;
  return [device, parent, bond].find((name) => name !== undefined && named.has(name)) ?? parent;
}

/** By service, the port that carries all its local addresses; services with local addresses on several ports are left out. */
export function viaOf(
  local: Details['local'],
  interfaces: ReadonlyMap<string, string>,
  portOf: (device: string) => string,
): ReadonlyMap<string, string> {
  return new Map(
    local.flatMap(({ service, addresses }): [string, string][] => {
      const devices = addresses.map(({ address }) => interfaces.get(address));
      const ports = new Set(devices.map((device) => device && portOf(device)));
      const [port] = ports;
      return ports.size === 1 && port !== undefined ? [[service, port]] : [];
    }),
  );
}
