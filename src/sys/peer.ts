/** Who is at the other end of a unix socket, as the kernel says. */
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { getsockopt, SOL_SOCKET } from './libc.ts';
import { isTrusted } from './process.ts';
import { SocketError } from './unix-socket.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SO_PEERCRED = 17;

/** The process that connected to a socket of ours; undefined when the connection has gone. */
export function peerOf(socket: Socket): Peer | undefined {
  const { fd = -1 } = (socket as unknown as { readonly _handle: { readonly fd?: number } | null })._handle ?? {};
  return peerOfDescriptor(fd);
}

function peerOfDescriptor(fd: number): Peer | undefined {
  const ucred = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(ucred.length, 0);
  if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, length) !== 0) return undefined;
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
}

/**
 * Throws SocketError EPERM when who made the socket at `path`, to which `fd` is connected, is not believed: root and our own user
 * are, and whose directory it is, since nobody else can have put it there.
 */
export function refuseStranger(fd: number, path: string): void {
  const peer = peerOfDescriptor(fd);
  if (peer === undefined || isTrusted(peer.uid)) return;
  const owner = statSync(dirname(path), { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid === peer.uid && (owner.mode & 0o022) === 0) return;
  const who = `process ${peer.pid} of uid ${peer.uid}`;
  throw new SocketError('EPERM', `${who} listens there, who is neither root nor the owner of its directory`);
}
