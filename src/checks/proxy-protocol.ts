/** PROXY protocol headers (haproxy's proxy-protocol.txt, sections 2.1 and 2.2): what a health check must send. */

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/**
 * The header a health check sends: v1 `PROXY UNKNOWN`, v2 command LOCAL. With both the receiver uses the real connection's
 * addresses, as the specification asks of health checks.
 */
export function proxyHeader(version: 'v1' | 'v2'): Buffer {
  if (version === 'v1') return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  return Buffer.concat([SIGNATURE, Buffer.from([0x20, 0x00, 0x00, 0x00])]);
}
