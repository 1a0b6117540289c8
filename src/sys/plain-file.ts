/** Configuration files of other programs: read as they would, and replaced in one step with their owner and rights. */
import { chown, realpath, stat } from 'node:fs/promises';
import { FileError, readIfExists, writeAtomic } from './files.ts';

export type PlainFile = { readonly text: string } | { readonly refused: 'directory' | 'executable' | 'unreadable' | 'too large' };

const EXECUTABLE = 0o111;

/**
 * The text of a file that is neither a directory nor executable; what stands against it otherwise. undefined when there is none.
 * Never rejects. Bytes that are no UTF-8 are replaced.
 */
export async function readPlain(path: string, maxBytes: number): Promise<PlainFile | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return { refused: 'directory' };
    if ((stats.mode & EXECUTABLE) !== 0) return { refused: 'executable' };
    const bytes = await readIfExists(path, maxBytes);
    return bytes === undefined ? undefined : { text: bytes.toString('utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return { refused: code === 'EFBIG' ? 'too large' : 'unreadable' };
  }
}

/**
 * Replaces a text file that still has the content it was read with; a symbolic link stays one. Rejects with FileError, also when
 * the content is another or was no UTF-8.
 */
export async function replacePlain(path: string, { before, after }: { before: string; after: string }): Promise<void> {
  const target = await realpath(path).catch((error: unknown) => {
    throw new FileError('write', path, error);
  });
  const old = Buffer.from(before, 'utf8');
  const bytes = await readIfExists(target, old.length);
  if (bytes?.equals(old) !== true) {
    const changed = Object.assign(new Error('it has changed since it was read, or is no UTF-8'), { code: 'ESTALE' });
    throw new FileError('write', path, changed);
  }
  const { mode, uid, gid } = await stat(target);
  await writeAtomic(target, after, { mode: mode & 0o7777 });
  const now = await stat(target);
  if (now.uid !== uid || now.gid !== gid) await chown(target, uid, gid);
}
