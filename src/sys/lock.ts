/** One process for a directory: a lock that the kernel gives up when the process ends, however it does. */
import { constants } from 'node:fs';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { EAGAIN } from './errno.ts';
import { errno, flock, LOCK_EX, LOCK_NB } from './libc.ts';
import { patiently } from './patience.ts';

/** A handle that nobody has is closed, and its lock is gone. */
const held: FileHandle[] = [];

/**
 * Takes the lock at `path` for as long as this process lives; a file system without locks lets everybody in. Rejects as `open`
 * does, or when the file system does not answer. @returns who has it, as he has written it ('' = he could not write); undefined =
 * nobody else
 */
export async function lockHolder(path: string): Promise<string | undefined> {
  // Not for writing: a file system could not be made read-only while it is held.
  const flags = constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await patiently(
    () => open(path, flags, 0o600),
    (late) => void late.close(),
  );
  if (flock(handle.fd, LOCK_EX | LOCK_NB) !== 0 && errno() === EAGAIN) {
    const holder = await handle.readFile('latin1');
    await handle.close();
    return holder.trim();
  }
  held.push(handle);
  // On a full disk it is held all the same, only nobody can say by whom.
  await patiently(() => writeFile(path, `${process.pid}\n`)).catch(() => undefined);
  return undefined;
}
