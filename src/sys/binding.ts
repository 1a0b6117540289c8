/** How a lane's sockets are tied to its NIC: by device where the kernel lets us, else by source address. */
import { isIPv4 } from 'node:net';
import { AF_INET, close, SOCK_STREAM } from './libc.ts';
import { EPERM, errnoName } from './errno.ts';
import { sockaddrOf } from './sockaddr.ts';
import { type Binding, openBound } from './socket.ts';

/**
 * Tries SO_BINDTODEVICE once. Linux ≥ 5.7 lets everybody do it; on EPERM the lane falls back to its source address, which is only
 * true when the route is verified. A missing device is no reason to fall back: the NIC may come.
 * @returns the binding, and why it is not by device ('' when it is).
 */
export function makeBinding(
  device: string,
  source: string | undefined,
  withoutDevice: boolean,
): { binding: Binding; reason: string } {
  const four = source !== undefined && isIPv4(source);
  const binding: Binding = {
    device: Buffer.from(`${device}\0`),
    source4: four ? sockaddrOf({ family: 4, ip: source, port: 0 }) : undefined,
    // Without scope: the socket's device gives it.
    source6: source !== undefined && !four ? sockaddrOf({ family: 6, ip: source, port: 0 }) : undefined,
  };
  const fd = withoutDevice ? -EPERM : openBound({ ...binding, source4: undefined, source6: undefined }, AF_INET, SOCK_STREAM, 0);
  if (fd >= 0) close(fd);
  if (fd !== -EPERM) return { binding, reason: '' };
  const source6 = binding.source6 && sockaddrOf({ family: 6, ip: source!, port: 0 }, device);
  return {
    binding: { ...binding, device: undefined, source6 },
    reason: `SO_BINDTODEVICE ${device}: ${errnoName(-fd)}; probing by source address`,
  };
}
