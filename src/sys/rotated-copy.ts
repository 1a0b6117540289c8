/**
 * The copy that logrotate's `copytruncate` makes of a log before truncating it: `dpvs.log.1`, `dpvs.log-20261125`, beside the
 * log.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { namesIn } from './directory.ts';
import { TailedFile } from './tailed-file.ts';

const COMPRESSED = /\.(gz|bz2|xz|zst|lz4|Z)$/;
/** Copies that are looked at, the youngest first. */
const MOST = 16;

/**
 * The copy that begins with all that was read of `file` before it was truncated, open at the place that reading had come to.
 * Undefined when there is none: in another directory, compressed already, or the log was emptied by hand.
 */
export async function findCopy(file: TailedFile, path: string): Promise<TailedFile | undefined> {
  if (file.offset === 0) return undefined;
  for (const candidate of await candidates(path, file.offset)) {
    const copy = await TailedFile.open(candidate).catch(() => undefined);
    if (copy === undefined) continue;
    if (await file.isCopiedIn(copy)) {
      await copy.seek(file.offset);
      return copy;
    }
    await copy.close();
  }
  return undefined;
}

async function candidates(path: string, least: number): Promise<readonly string[]> {
  const own = basename(path);
  const names = await namesIn(dirname(path)).catch(() => undefined);
  const others = (names ?? []).filter((name) => name !== own && name.startsWith(own) && !COMPRESSED.test(name));
  const found: { readonly copy: string; readonly age: number }[] = [];
  for (const name of others) {
    const copy = join(dirname(path), name);
    const s = await stat(copy).catch(() => undefined);
    if (s?.isFile() === true && s.size >= least) found.push({ copy, age: -s.mtimeMs });
  }
  return found
    .sort((a, b) => a.age - b.age)
    .slice(0, MOST)
    .map(({ copy }) => copy);
}
