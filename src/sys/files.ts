/** Small files: read so that nobody can hold us, written in one step, and errors that name the remedy. */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { patiently } from './patience.ts';

const REMEDY: Readonly<Record<string, (path: string, doing: string) => string>> = {
  ENOENT: (path) => `the directory ${dirname(path)} does not exist; create it`,
  ENOTDIR: (path) => `${dirname(path)} is not a directory`,
  EISDIR: () => 'it is a directory; name a file',
  EACCES: (_, doing) => `permission denied; give the user fourlane runs as the right to ${doing} there`,
  EPERM: () => 'not permitted; the file may be immutable or owned by another user',
  EROFS: () => 'the file system is mounted read-only',
  ENOSPC: () => 'no space left on the file system; free some',
  EDQUOT: () => 'the disk quota is used up',
  EMFILE: () => 'too many open files; raise the fd limit',
  ENAMETOOLONG: () => 'the name is too long',
  ELOOP: () => 'it is a symbolic link, or there are too many',
};

/** An error code of a file operation, and a sentence with path, reason and remedy. */
export class FileError extends Error {
  readonly code: string;
  readonly path: string;
  constructor(doing: string, path: string, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    super(`cannot ${doing} ${path}: ${REMEDY[code]?.(path, doing) ?? (cause as Error).message} (${code})`, { cause });
    this.name = 'FileError';
    this.code = code;
    this.path = path;
  }
}

/** From whom a file is believed. */
export interface Expected {
  /** Users who may own it, by number; anybody when left out. */
  readonly owners?: readonly number[];
  /** Whether the path itself may be a symbolic link; default true. */
  readonly link?: boolean;
}

/** Why a file that somebody else may have put there is not read; undefined when it may be. */
export function distrust(stats: Stats, { owners }: Expected): string | undefined {
  if (!stats.isFile()) return 'it is no regular file';
  if (owners === undefined || owners.includes(stats.uid)) return undefined;
  return `it belongs to uid ${stats.uid}, and is believed only from uid ${owners.join(' or ')}`;
}

function refusalCode(stats: Stats): string {
  if (stats.isFile()) return 'EOWNER';
  return stats.isDirectory() ? 'EISDIR' : 'EINVAL';
}

/**
 * Opens a regular file for reading, whoever has put it there: a FIFO, a device or a server of files that does not answer can't
 * hold us, and what is not expected is not read. Rejects with an errno's code, or EISDIR, EINVAL or EOWNER made here.
 */
export async function openRegular(path: string, expected: Expected = {}): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (expected.link === false ? constants.O_NOFOLLOW : 0);
  const handle = await patiently(
    () => open(path, flags),
    (late) => void late.close(),
  );
  try {
    const stats = await handle.stat();
    const reason = distrust(stats, expected);
    if (reason !== undefined) throw Object.assign(new Error(reason), { code: refusalCode(stats) });
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * The whole of a regular file; undefined when there is none. Rejects with FileError, also when it is longer than `maxBytes` or
 * not as expected.
 */
export async function readIfExists(path: string, maxBytes: number, expected?: Expected): Promise<Buffer | undefined> {
  try {
    const handle = await openRegular(path, expected);
    try {
      return await patiently(() => readAll(handle, maxBytes));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FileError('read', path, error);
  }
}

/** Files of /proc are listed with a size of 0. */
const LEAST_BUFFER = 16 << 10;

async function readAll(handle: FileHandle, maxBytes: number): Promise<Buffer> {
  const { size } = await handle.stat();
  const most = maxBytes + 1; // one more, to notice what is too long
  let buffer = Buffer.allocUnsafeSlow(Math.min(most, Math.max(size + 1, LEAST_BUFFER)));
  let length = 0;
  for (;;) {
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(most, 2 * length));
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (length > maxBytes) throw Object.assign(new Error(`it is longer than ${maxBytes} bytes`), { code: 'EFBIG' });
    if (bytesRead === 0) return buffer.subarray(0, length);
  }
}

/** Which content a file has: differs after each writing. Undefined when there is none; rejects when it can't be looked at. */
export interface FileVersion {
  readonly bytes: number;
  /** ms of the wall clock. */
  readonly modified: number;
  readonly key: string;
}

export async function fileVersion(path: string): Promise<FileVersion | undefined> {
  try {
    const s = await stat(path, { bigint: true });
    return { bytes: Number(s.size), modified: Number(s.mtimeNs) / 1e6, key: `${s.ino} ${s.size} ${s.mtimeNs}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Makes a file that is not there yet, whole or not at all. Rejects with FileError; EEXIST: there is one, and it is untouched. */
export async function createFile(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  try {
    const handle = await open(path, 'wx', mode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } catch (error) {
      await unlink(path);
      throw error;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new FileError('write', path, error);
  }
}

/** Removes what writers that were killed have left of `path`; never rejects. */
export async function removeLeftovers(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  const left = names.filter((name) => name.startsWith(`${basename(path)}.`) && /\.[0-9a-f]{12}\.tmp$/.test(name));
  await Promise.all(left.map((name) => unlink(join(dirname(path), name)).catch(() => undefined)));
}

/**
 * Replaces a file in one step: a reader sees the old or the new content, also after a crash or on a full disk (temporary file in
 * the same directory, fsync, rename, fsync of the directory). Rejects with FileError; then the old content is untouched.
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600 }: { mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    const directory = await open(dirname(path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // may never have been made, or is renamed already
    throw new FileError('write', path, error);
  }
}
