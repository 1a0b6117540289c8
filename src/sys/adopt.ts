/** Device-bound TCP connections as node:net sockets, for what libuv must run (TLS). */
import { Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { AF_INET, SOCK_STREAM } from './libc.ts';
import { type Binding, openBound } from './socket.ts';

const errnoByName = new Map([...getSystemErrorMap()].map(([negative, [name]]) => [name, -negative]));

/**
 * Opens a bound descriptor, lets Node adopt it unconnected, and starts connecting.
 * @param failed called once with an errno when the socket can't be made or fails; connection errors after `connect` come here too.
 * @returns the connecting socket, or undefined when none could be opened (`failed` has been called).
 */
export function adoptStream(binding: Binding, sockaddr: Uint8Array, failed: (errno: number) => void): Socket | undefined {
  const family = sockaddr[0]!;
  const fd = openBound(binding, family, SOCK_STREAM, 0);
  if (fd < 0) {
    failed(-fd);
    return undefined;
  }
  // `manualStart` is undocumented: without it Node reads the unconnected descriptor at once. test/sys pins the behaviour.
  const socket = new Socket({ fd, manualStart: true } as never);
  socket.on('error', (error: NodeJS.ErrnoException) => failed(errnoByName.get(error.code ?? '') ?? 5));
  socket.connect({ host: hostOf(sockaddr), port: (sockaddr[2]! << 8) | sockaddr[3]! });
  return socket;
}

/** Text form of a packed sockaddr, with the scope of link-local addresses as a number. */
function hostOf(sockaddr: Uint8Array): string {
  if (sockaddr[0] === AF_INET) return sockaddr.subarray(4, 8).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((sockaddr[8 + 2 * i]! << 8) | sockaddr[9 + 2 * i]!).toString(16));
  const scope = sockaddr[24]! | (sockaddr[25]! << 8) | (sockaddr[26]! << 16);
  return scope === 0 ? groups.join(':') : `${groups.join(':')}%${scope}`;
}
