/**
 * An initramfs as bytes: a cpio archive in the "newc" format, uncompressed, since the emulated machine would unpack it slowly.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DIRECTORY = 0o040755;
const SYMLINK = 0o120777;
const REGULAR = 0o100000;

export class Initramfs {
  readonly #parts: Buffer[] = [];
  readonly #names = new Set<string>();

  /** A directory and its parents. */
  directory(path: string): this {
    if (path === '/' || this.#names.has(path)) return this;
    this.directory(dirname(path));
    return this.#entry(path, DIRECTORY, Buffer.alloc(0));
  }

  link(path: string, target: string): this {
    this.directory(dirname(path));
    return this.#entry(path, SYMLINK, Buffer.from(target));
  }

  file(path: string, content: string | Buffer, mode = 0o644): this {
    this.directory(dirname(path));
    return this.#entry(path, REGULAR | mode, Buffer.from(content));
  }

  /** Has this path been added? */
  has(path: string): boolean {
    return this.#names.has(path);
  }

  /** A file or directory of this machine, links inside a directory kept as they are; `keep` decides by the name inside it. */
  copy(path: string, from: string, keep: (name: string) => boolean = () => true): this {
    const stat = lstatSync(from);
    if (stat.isSymbolicLink()) return this.link(path, readlinkSync(from));
    if (!stat.isDirectory()) return this.file(path, readFileSync(from), stat.mode & 0o777);
    this.directory(path);
    for (const name of readdirSync(from)) if (keep(join(path, name))) this.copy(join(path, name), join(from, name), keep);
    return this;
  }

  /** A file of this machine under another name, links followed. */
  program(path: string, from: string): this {
    return this.file(path, readFileSync(realpathSync(from)), 0o755);
  }

  /** The whole archive. */
  toBuffer(): Buffer {
    return Buffer.concat([...this.#parts, record('TRAILER!!!', 0, 0, Buffer.alloc(0))]);
  }

  #entry(path: string, mode: number, data: Buffer): this {
    if (this.#names.has(path)) return this;
    this.#names.add(path);
    this.#parts.push(record(path.replace(/^\//, ''), this.#names.size, mode, data));
    return this;
  }
}

/** One archive member: 110 bytes of hex fields, the name with its NUL, the data; both padded to 4 bytes. */
function record(name: string, inode: number, mode: number, data: Buffer): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  const links = mode === DIRECTORY ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, nameBytes.length, 0];
  const head = Buffer.from(`070701${fields.map((n) => n.toString(16).padStart(8, '0')).join('')}`);
  const pad = (length: number) => Buffer.alloc(-length & 3);
  return Buffer.concat([head, nameBytes, pad(head.length + nameBytes.length), data, pad(data.length)]);
}
