/** What clients of unix sockets share: addresses, and errors of calls. */
import { getSystemErrorName } from 'node:util';
import { errno } from './libc.ts';

export const AF_UNIX = 1;
/** sizeof(sun_path), with its NUL. */
const PATH_SIZE = 108;

/** A call that failed: `code` is an errno's name, or EOF, ETIMEDOUT, EMSGSIZE made here. */
export class SocketError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'SocketError';
    this.code = code;
  }
}

/** The last failed call of this thread. */
export function failure(call: string): SocketError {
  const name = getSystemErrorName(-errno());
  return new SocketError(name, `${call}: ${name}`);
}

/** struct sockaddr_un. Throws SocketError when no socket can have such a path. */
export function sockaddrUn(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes.length >= PATH_SIZE || bytes.includes(0)) {
    throw new SocketError(
      'ENAMETOOLONG',
      `a path of ${bytes.length} bytes; sockets have at most ${PATH_SIZE - 1}, none of them NUL`,
    );
  }
  const address = Buffer.alloc(2 + PATH_SIZE);
  address.writeUInt16LE(AF_UNIX, 0);
  address.set(bytes, 2);
  return address;
}
