/** The TCP option by which a load balancer passes on the address of the client (TOA). Pure. */
import { addressBytes } from '../../sys/sockaddr.ts';

/** What one says. */
export interface ToaOption {
  /** Number of the option: 254 in DPVS; other data planes have others. */
  readonly kind: number;
  /** The client's. */
  readonly ip: string;
  readonly port: number;
}

/** kind, length, port, address, in network order: 8 bytes, of an IPv6 address 20. */
export function toaBytes({ kind, ip, port }: ToaOption): Buffer {
  const address = addressBytes(ip);
  return Buffer.concat([Buffer.from([kind, 4 + address.length, port >> 8, port & 255]), address]);
}
