/** The service manager's protocol (sd_notify(3)): a datagram to the socket that it names in our environment. */
import { close, connect, send, SOCK_CLOEXEC, SOCK_DGRAM, socket } from './libc.ts';
import { AF_UNIX, failure, sockaddrUn } from './unix-socket.ts';

/**
 * Reports a state to systemd; does nothing under anybody else, who names no socket. @throws SocketError when it is not taken
 */
export function notifyManager(state: 'READY=1' | 'STOPPING=1', path = process.env['NOTIFY_SOCKET'] ?? ''): void {
  if (path === '') return;
  const address = sockaddrUn(path);
  // "@name" is a name in the abstract name space: its first byte is NUL, and every byte counts.
  const abstract = path.startsWith('@');
  if (abstract) address[2] = 0;
  const length = 2 + Buffer.byteLength(path) + (abstract ? 0 : 1);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failure('socket');
  try {
    const message = Buffer.from(state);
    if (connect(fd, address, length) < 0) throw failure(`connect ${path}`);
    if (send(fd, message, message.length, 0) < 0) throw failure(`send ${path}`);
  } finally {
    close(fd);
  }
}
