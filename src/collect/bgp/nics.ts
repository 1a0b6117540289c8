/** Which NIC a session runs over. Pure. */
import { type ExpectedSet, sessionKey } from '../../edge/expected.ts';
import { contains, parsePrefix, type Prefix } from '../../edge/prefix.ts';
import type { CollectedNic } from '../collector.ts';

/** A network that an interface is in. */
export interface Connected {
  readonly device: string;
  readonly prefix: Prefix;
}

/** The part of a session that shows its NIC. */
export interface Placed {
  readonly vrf: string;
  readonly peer: string;
  /** Interface, where the daemon shows it. */
  readonly device?: string | undefined;
}

/**
 * The NIC of a session: as the uplinks of the configuration name it; that of the interface that the daemon shows, or that the
 * peer is named by; that in whose network the peer is. undefined: none of the configuration.
 */
export function nicOf(
  { vrf, peer, device }: Placed,
  uplinks: ExpectedSet['uplinks'],
  nics: readonly CollectedNic[],
  connected: readonly Connected[],
): string | undefined {
  const [ip = '', scope] = peer.split('%');
  const key = sessionKey({ vrf, peer });
  const uplink = uplinks.find((u) => sessionKey(u) === key);
  if (uplink !== undefined) return uplink.nic;
  const address = parsePrefix(ip);
  const inside = address && connected.find(({ prefix }) => contains(prefix, address))?.device;
  const found = device ?? scope ?? (address === undefined ? ip : inside);
  return nics.find((nic) => nic.device === found)?.name;
}
