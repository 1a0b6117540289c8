/** PROXY protocol headers (haproxy's proxy-protocol.txt, sections 2.1 and 2.2) that a check sends first. */
import * as z from 'zod';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

const version = z.enum(['v1', 'v2']);

/** `v1`, `v2`, or a mapping; short for `{version, as: local}`. */
export const proxyProtocol = z
  .union([
    version.transform((named) => ({ version: named, as: 'local' as const })),
    z.strictObject({
      version: version.describe('version of the header'),
      as: z
        .enum(['local', 'client'])
        .default('local')
        .describe('local: a health check, whose own address counts; client: a client with the address 192.0.2.77'),
    }),
  ])
  .describe('PROXY protocol header to send first');

export type ProxyProtocol = z.output<typeof proxyProtocol>;

/** Who a check is that comes as a client: an address for documentation (RFC 5737), so that nobody is taken for somebody else. */
const CLIENT = { ip: '192.0.2.77', port: 40_077 };
const SERVICE = { ip: '192.0.2.1', port: 80 };

/**
 * The header of a check. `local`: v1 `PROXY UNKNOWN`, v2 command LOCAL; with both the receiver uses the real connection's
 * addresses, as the specification asks of health checks. `client`: TCP over IPv4, from CLIENT.
 */
export function proxyHeader({ version: wanted, as }: ProxyProtocol): Buffer {
  const isLocal = as === 'local';
  if (wanted === 'v1') {
    const words = isLocal ? ['UNKNOWN'] : ['TCP4', CLIENT.ip, SERVICE.ip, CLIENT.port, SERVICE.port];
    return Buffer.from(`PROXY ${words.join(' ')}\r\n`, 'latin1');
  }
  if (isLocal) return Buffer.concat([SIGNATURE, Buffer.from([0x20, 0x00, 0x00, 0x00])]);
  const addresses = [...bytesOf(CLIENT.ip), ...bytesOf(SERVICE.ip), ...CLIENT_PORTS];
  return Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0x00, addresses.length, ...addresses])]);
}

const bytesOf = (ip: string) => ip.split('.').map(Number);
const CLIENT_PORTS = [CLIENT.port, SERVICE.port].flatMap((port) => [port >> 8, port & 0xff]);
