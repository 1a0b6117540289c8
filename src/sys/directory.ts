/** What is in a directory. */
import { readdir } from 'node:fs/promises';

/** Names in the directory, sorted; undefined when there is none. Rejects with the system's error, such as EACCES. */
export async function namesIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
