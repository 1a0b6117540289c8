/** Who is at the other end of a unix socket, as the kernel says. */
import type { Socket } from 'node:net';
import { getsockopt, SOL_SOCKET } from './libc.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SO_PEERCRED = 17;

/** The process that connected, or that listens; undefined when the connection has gone. */
export function peerOf(socket: Socket): Peer | undefined {
  const { fd = -1 } = (socket as unknown as { readonly _handle: { readonly fd?: number } | null })._handle ?? {};
  const ucred = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(ucred.length, 0);
  if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, length) !== 0) return undefined;
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
}
