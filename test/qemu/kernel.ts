/** Debian's stock kernel, taken out of its package without installing it, and kept between runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../../src/lab/netns.ts';

export interface Kernel {
  readonly version: string;
  /** The bzImage. */
  readonly image: string;
  /** Holds modules.dep and kernel/. */
  readonly modules: string;
}

export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'fourlane', 'qemu');
/** What of the package is kept: 20 MB of 400. */
const KEEP = ['./boot/vmlinuz-*', './lib/modules/*/modules.*'];
const KEEP_MODULES = ['net', 'lib', 'crypto', 'arch', 'drivers/net'].map((d) => `./lib/modules/*/kernel/${d}/*`);

/** The kernel that `linux-image-amd64` stands for: downloaded (70 MB) at the first call, found in the cache later. */
export function debianKernel(): Kernel {
  const cached = globSync(join(CACHE, 'linux-*', 'boot', 'vmlinuz-*'))
    .sort()
    .at(-1);
  const image = cached ?? unpack();
  const version = basename(image).replace('vmlinuz-', '');
  return { version, image, modules: join(image, '..', '..', 'lib', 'modules', version) };
}

/** Fetches a package of Debian into a directory. @returns its file */
export function download(name: string, into: string): string {
  console.error(`fetching ${name} …`);
  const got = spawnSync('apt-get', ['download', '-qq', name], { cwd: into, encoding: 'utf8' });
  const deb = globSync(join(into, `${name}_*.deb`))[0];
  if (deb === undefined) throw new Error(`apt-get download ${name}: ${got.stderr.trim()}`);
  return deb;
}

function unpack(): string {
  mkdirSync(CACHE, { recursive: true });
  const name = /Depends: (linux-image-\S+-amd64)/.exec(run(['apt-cache', 'depends', 'linux-image-amd64']))?.[1];
  if (name === undefined) throw new Error('apt knows no linux-image-amd64; run apt-get update, on Debian');
  const work = mkdtempSync(join(CACHE, 'new-'));
  try {
    const deb = download(name, work);
    const tar =
      `dpkg-deb --fsys-tarfile "$0" | tar -x -C "$1" --wildcards ` +
      `${[...KEEP, ...KEEP_MODULES].map((p) => `'${p}'`).join(' ')}`;
    run(['sh', '-c', tar, deb, work]);
    rmSync(deb);
    const version = name.replace('linux-image-', '');
    run(['depmod', '-b', work, version]);
    const target = join(CACHE, `linux-${version}`);
    if (!existsSync(target)) renameSync(work, target);
    return join(target, 'boot', `vmlinuz-${version}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Paths, relative to `modules`, of the named modules and all they depend on. */
export function withDependencies({ modules }: Kernel, names: readonly string[]): string[] {
  const lines = readFileSync(join(modules, 'modules.dep'), 'utf8').split('\n');
  const needed = new Map(lines.map((line) => [basename(line.split(':')[0]!, '.ko').replaceAll('-', '_'), line]));
  return names.flatMap((name) => {
    const line = needed.get(name.replaceAll('-', '_'));
    if (line === undefined) throw new Error(`the kernel has no module ${name} (see KEEP_MODULES)`);
    return line.replace(':', '').trim().split(' ');
  });
}
