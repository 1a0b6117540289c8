/**
 * The control socket: a unix socket that only root, the agent's user and its group can connect to. Whoever can may make changes.
 */
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { FourlaneError } from '../model/errors.ts';
import type { Place } from './listening.ts';

const DIRECTORY_MODE = 0o750;
const SOCKET_MODE = 0o660;

/** The control socket at this path. */
export function controlPlace(path: string): Place {
  const failed = (reason: string, cause?: unknown) =>
    new FourlaneError('LISTEN_FAILED', `cannot open the control socket ${path}: ${reason}`, { cause });
  return {
    prepare: () => makeRoom(path, failed),
    listen: (server) => void server.listen(path),
    explain: (error) => failed(error.code === 'EACCES' ? `permission denied in ${dirname(path)}` : error.message, error),
    // Between listening and this, the umask keeps others away: connecting needs the right to write.
    after: () => chmod(path, SOCKET_MODE),
  };
}

/** Removes the socket of an agent that has ended without doing so; anything else at the path stays. */
async function makeRoom(path: string, failed: (reason: string, cause?: unknown) => FourlaneError): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  } catch (error) {
    throw failed((error as Error).message, error);
  }
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw failed('something else is there; remove it, or name another path in control');
  if (await answers(path)) throw failed('another agent listens there; name another path in control');
  await unlink(path).catch(() => undefined);
}

/** Whether anybody listens on a unix socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (heard: boolean) => {
      socket.destroy();
      resolve(heard);
    };
    socket.setTimeout(1000, () => end(true));
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}
