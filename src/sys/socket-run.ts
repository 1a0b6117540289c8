/** Which run of a server a unix socket belongs to: a server makes a new one when it starts. */
import { stat } from 'node:fs/promises';

/** Inode and time of the socket file; undefined: there is none. Rejects with the system's error, such as EACCES. */
export async function socketRun(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeMs } = await stat(path);
    return `${ino} ${mtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
