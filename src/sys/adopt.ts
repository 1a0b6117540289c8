/** Device-bound TCP connections as node:net sockets, for what libuv must run (TLS). */
import { Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { close, SOCK_STREAM } from './libc.ts';
import { unpackSockaddr } from './sockaddr.ts';
import { type Binding, openBound, setMark } from './socket.ts';

const errnoByName = new Map([...getSystemErrorMap()].map(([negative, [name]]) => [name, -negative]));

/**
 * Opens a bound descriptor, lets Node adopt it unconnected, and starts connecting.
 * @param mark its SO_MARK; 0 = none
 * @param failed called once with an errno when the socket can't be made or fails; connection errors after `connect` come here
 * too.
 * @returns the connecting socket, or undefined when none could be opened (`failed` has been called).
 */
export function adoptStream(
  { binding, sockaddr, mark }: { readonly binding: Binding; readonly sockaddr: Uint8Array; readonly mark: number },
  failed: (errno: number) => void,
): Socket | undefined {
  const family = sockaddr[0]!;
  const fd = openBound(binding, family, SOCK_STREAM, 0);
  if (fd < 0) {
    failed(-fd);
    return undefined;
  }
  const unmarked = mark === 0 ? 0 : setMark(fd, mark);
  if (unmarked !== 0) {
    close(fd);
    failed(unmarked);
    return undefined;
  }
  // `manualStart` is undocumented: without it Node reads the unconnected descriptor at once. test/sys pins the behaviour.
  const socket = new Socket({ fd, manualStart: true } as never);
  socket.on('error', (error: NodeJS.ErrnoException) => failed(errnoByName.get(error.code ?? '') ?? 5));
  const { ip, port, scope } = unpackSockaddr(sockaddr);
  socket.connect({ host: scope === undefined ? ip : `${ip}%${scope}`, port });
  return socket;
}
