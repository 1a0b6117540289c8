/**
 * What a server keeps of releases on its disk: which one was good, which one is on trial, which ones are poison, and their blobs.
 * A start needs nothing else.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { readIfExists, removeLeftovers, writeAtomic } from '../../sys/files.ts';
import { type DiskRecord, diskRecord } from '../applied/record.ts';
import type { Release } from '../values.ts';
import { blobPath, BLOBS, RECORD, releasePath, RELEASES } from './files.ts';
import { readValue, writeValue } from '../value-codec.ts';

const VERSION = 1;
const MOST_RECORD = 1 << 20;
const envelope = z.object({ version: z.literal(VERSION), cluster: z.string(), record: diskRecord });

export interface LoadedRecord {
  /** undefined = there is none that can be used. */
  readonly record: DiskRecord | undefined;
  /** Why there is none, for the log; '' = there was none. */
  readonly problem: string;
}

export class ReleaseStore {
  readonly directory: string;
  readonly #cluster: string;

  /** @param cluster a record of another cluster is not used */
  constructor(directory: string, cluster: string) {
    this.directory = directory;
    this.#cluster = cluster;
  }

  /** The record; one that can't be used is set aside. Rejects with FileError when the directory can't be made. */
  async load(): Promise<LoadedRecord> {
    const path = join(this.directory, RECORD);
    for (const part of [BLOBS, RELEASES]) await mkdir(join(this.directory, part), { recursive: true, mode: 0o700 });
    await removeLeftovers(path);
    try {
      const bytes = await readIfExists(path, MOST_RECORD);
      if (bytes === undefined) return { record: undefined, problem: '' };
      const { cluster, record } = envelope.parse(JSON.parse(bytes.toString('utf8')));
      if (cluster === this.#cluster) return { record, problem: '' };
      throw new Error(`it is of the cluster "${cluster}"`);
    } catch (error) {
      const aside = `${path}.set-aside`;
      await rename(path, aside).catch(() => undefined);
      const [reason] = (error as Error).message.split('\n');
      return { record: undefined, problem: `the record of releases is not used: ${reason}; kept as ${aside}` };
    }
  }

  /** Resolves when the record is on the disk. Rejects with FileError. */
  save(record: DiskRecord): Promise<void> {
    return writeAtomic(join(this.directory, RECORD), JSON.stringify({ version: VERSION, cluster: this.#cluster, record }));
  }

  /** Hashes of the blobs that are there. */
  async blobs(): Promise<ReadonlySet<string>> {
    return new Set(await readdir(join(this.directory, BLOBS)));
  }

  async putBlob(hash: string, packed: Uint8Array): Promise<void> {
    await writeAtomic(blobPath(this.directory, hash), packed);
  }

  /** All blobs of a release are there before it is. */
  async putRelease(release: Release): Promise<void> {
    await writeAtomic(releasePath(this.directory, release.root), writeValue('release', `release/${release.n}`, release));
  }

  /**
   * Removes what none of these roots needs; nothing while one of them can't be read. Never rejects: what is left costs some room.
   */
  async keep(roots: readonly string[]): Promise<void> {
    try {
      const needed = new Set<string>(roots);
      for (const root of new Set(roots)) {
        const bytes = await readIfExists(releasePath(this.directory, root), MOST_RECORD);
        if (bytes === undefined) return;
        const { base, shards } = readValue('release', root, bytes);
        for (const hash of [base, ...shards]) needed.add(hash);
      }
      for (const part of [BLOBS, RELEASES]) {
        const left = (await readdir(join(this.directory, part))).filter((name) => !needed.has(basename(name, '.json')));
        for (const name of left) await rm(join(this.directory, part, name), { force: true });
      }
    } catch {
      // The next release looks again.
    }
  }
}
