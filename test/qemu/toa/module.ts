/**
 * toa.ko of DPVS for the guest's kernel. Its source is GPL, and never part of this project: FOURLANE_TOA_SOURCE names a directory
 * with it (kmod/toa of a checkout of github.com/iqiyi/dpvs), or it is fetched from GitHub when that can be reached.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetch } from 'undici';
import { ensure } from '../../../src/lab/ensure.ts';
import { run } from '../../../src/lab/netns.ts';
import { CACHE, download, type Kernel } from '../kernel.ts';

const COMMIT = '4582d20dc6cc16ab123c3b72e245e3ec9a47965b';
/** SHA-256 of the files at that commit. */
const FILES = {
  Makefile: '3b6deb797b46f5d3553554d0292b856b7fa87ead5e64c36534de70791c17b7c2',
  'toa.c': '45b459fe0e0bceff529c07570ee9ac5c890b82890e140a0885b0fbbed51a76ff',
  'toa.h': '8ebe36fdf0bc742fe5f8e508ff8d8eb66b9d0445d500f8a6930e64923b56afd7',
} as const;
const FETCH_MS = 20_000;

/** The module as a file, or why there is none. @throws Error when it does not compile */
export async function toaModule(kernel: Kernel): Promise<{ readonly path: string } | { readonly missing: string }> {
  const source = mkdtempSync(join(tmpdir(), 'fourlane-toa-'));
  process.once('exit', () => rmSync(source, { recursive: true, force: true }));
  const missing = await bringSource(source);
  if (missing !== undefined) return { missing };
  ensure(['gcc', 'make']);
  const headers = debianHeaders(kernel);
  const text = readFileSync(join(source, 'toa.c'), 'utf8');
  const api = readFileSync(join(headers.common, 'include/net/tcp.h'), 'utf8');
  writeFileSync(join(source, 'toa.c'), api.includes('opt_child_init') ? withSeventhArgument(text) : text);
  run(['make', '-s', '-C', headers.build, `M=${source}`, 'CC=gcc', 'modules']);
  return { path: join(source, 'toa.ko') };
}

async function bringSource(into: string): Promise<string | undefined> {
  const given = process.env['FOURLANE_TOA_SOURCE'];
  if (given !== undefined) {
    const lacks = Object.keys(FILES).filter((name) => !existsSync(join(given, name)));
    if (lacks.length > 0) return `FOURLANE_TOA_SOURCE=${given} has no ${lacks.join(', ')}: it must be kmod/toa of DPVS`;
    for (const name of Object.keys(FILES)) cpSync(join(given, name), join(into, name));
    return undefined;
  }
  for (const [name, sum] of Object.entries(FILES)) {
    const url = `https://raw.githubusercontent.com/iqiyi/dpvs/${COMMIT}/kmod/toa/${name}`;
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
      if (!answer.ok) return `${url} answers ${answer.status}`;
      const content = Buffer.from(await answer.arrayBuffer());
      if (createHash('sha256').update(content).digest('hex') !== sum) return `${url} is another file than expected`;
      writeFileSync(join(into, name), content);
    } catch (error) {
      const { message, cause } = error as Error;
      return `${url}: ${cause instanceof Error ? cause.message : message}`;
    }
  }
  return undefined;
}

/** Stable kernels of 2026 give syn_recv_sock one more argument, which the module, made for six, has to hand on. */
function withSeventhArgument(text: string): string {
  const taken = 'bool *own_req, void (*opt_child_init)(struct sock *, const struct sock *))';
  return text.replaceAll('bool *own_req)', taken).replaceAll(/\b(own_req)\);/g, '$1, opt_child_init);');
}

/** Headers of Debian's kernel as packages have them, unpacked and not installed, kept between runs. */
function debianHeaders({ version }: Kernel): { readonly build: string; readonly common: string } {
  const target = join(CACHE, `headers-${version}`);
  const [abi] = version.split('-amd64');
  const [build, common] = [`linux-headers-${version}`, `linux-headers-${abi}-common`];
  const kbuild = `linux-kbuild-${version.split('.', 2).join('.')}`;
  const at = { build: join(target, 'usr/src', build), common: join(target, 'usr/src', common) };
  if (existsSync(target)) return at;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'new-'));
  try {
    for (const name of [build, common, kbuild]) download(name, work);
    for (const deb of globSync(join(work, '*.deb'))) run(['dpkg-deb', '-x', deb, work]);
    // The package names its place on an installed system.
    const makefile = join(work, 'usr/src', build, 'Makefile');
    writeFileSync(makefile, readFileSync(makefile, 'utf8').replaceAll('/usr/src/', `${join(target, 'usr/src')}/`));
    for (const deb of globSync(join(work, '*.deb'))) rmSync(deb);
    renameSync(work, target);
    return at;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
