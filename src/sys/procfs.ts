/** Files of /proc and /sys: small, made by the kernel as they are read. */
import { readFile } from 'node:fs/promises';

/** The file's text; undefined when it does not exist. Rejects with the reason otherwise. */
export async function readProc(path: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: 'latin1', ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
