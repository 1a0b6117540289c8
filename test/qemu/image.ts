/** What the guest's disk holds: busybox, ip_vs and its modules, ipvsadm, keepalived, ip, Node, and this checkout. */
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename, join } from 'node:path';
import { run } from '../../src/lab/netns.ts';
import { Initramfs } from './initramfs.ts';
import { type Kernel, withDependencies } from './kernel.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Schedulers load their modules by themselves. */
const MODULES = ['veth', 'bonding', '8021q', 'bridge', 'dummy', 'ipip', 'crc32c_generic', 'nf_conntrack', 'ipv6'];
const PROGRAMS = [
  '/sbin/ipvsadm',
  '/usr/sbin/keepalived',
  '/bin/ip',
  '/sbin/modprobe',
  '/bin/dash',
  '/usr/bin/test',
  '/usr/bin/setpriv',
];
/** Applets of busybox that tests use by name; its `ip` would hide the real one. */
const APPLETS = ['mount', 'poweroff', 'cat', 'kill', 'sleep'];
const GUEST = '/fourlane';

/** The archive to boot with. `files`: more files of this machine, by their place in the guest. */
export function buildImage(kernel: Kernel, files: ReadonlyMap<string, string>): Buffer {
  const image = new Initramfs();
  for (const dir of ['/proc', '/sys', '/dev', '/tmp', '/run', '/root', '/etc/keepalived/conf.d', '/var/lib'])
    image.directory(dir);
  image.file('/init', readFileSync(join(import.meta.dirname, 'init.sh')), 0o755);
  image.file('/etc/passwd', 'root:x:0:0::/root:/bin/sh\nkeepalived_script:x:1:1::/:/bin/false\n');
  image.file('/etc/group', 'root:x:0:\nkeepalived_script:x:1:\n');
  image.file('/etc/hosts', '127.0.0.1 localhost\n');
  image.program('/bin/busybox', '/bin/busybox');
  for (const applet of APPLETS) image.link(`/bin/${applet}`, 'busybox');
  for (const program of PROGRAMS) addProgram(image, program);
  image.link('/bin/sh', 'dash');
  addProgram(image, '/usr/bin/node', process.execPath);
  addModules(image, kernel);
  addCheckout(image);
  for (const [path, from] of files) image.copy(path, from);
  return image.toBuffer();
}

/** A program and the libraries it is linked with. */
function addProgram(image: Initramfs, path: string, from = path): void {
  image.program(path, from);
  for (const [, library = ''] of run(['ldd', from]).matchAll(/(\/\S+) \(0x/g)) image.program(library, library);
}

function addModules(image: Initramfs, kernel: Kernel): void {
  const target = join('/lib/modules', kernel.version);
  const schedulers = globSync('kernel/net/netfilter/ipvs/*.ko', { cwd: kernel.modules }).map((m) => basename(m, '.ko'));
  const builtIn = readFileSync(join(kernel.modules, 'modules.builtin'), 'utf8');
  const loadable = MODULES.filter((m) => !builtIn.includes(`/${m}.ko`));
  const modules = withDependencies(kernel, [...loadable, ...schedulers]);
  for (const module of modules) image.copy(join(target, module), join(kernel.modules, module));
  for (const list of globSync('modules.*', { cwd: kernel.modules })) image.copy(join(target, list), join(kernel.modules, list));
}

/** Our source, the tests the guest runs, and what production needs of node_modules. */
function addCheckout(image: Initramfs): void {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  const production = Object.entries(lock.packages).filter(([path, p]) => path !== '' && !p.dev && !path.includes('/node-linux-'));
  const keep = (name: string) => !/\.(?:d\.[cm]?ts|map|md)$/.test(name);
  for (const [path, { optional }] of production) {
    const from = join(ROOT, path);
    if (optional && globSync(from).length === 0) continue; // built for another machine
    image.copy(join(GUEST, path), from, keep);
  }
  image.copy(join(GUEST, 'package.json'), join(ROOT, 'package.json'));
  for (const data of ['tls', 'walk']) image.copy(join(GUEST, 'test/fixtures', data), join(ROOT, 'test/fixtures', data));
  for (const path of globSync('{src,test}/**/*.{ts,mjs}', { cwd: ROOT })) {
    image.file(join(GUEST, guestName(path)), withoutTypes(readFileSync(join(ROOT, path), 'utf8')));
  }
}

/** The name that a TypeScript file of the checkout has in the guest. */
export function guestName(path: string): string {
  return path.replace(/\.ts$/, '.js');
}

/**
 * Types taken out here, with the names of files in it: Node in the emulated machine would take most of a minute over that, in
 * each thread.
 */
function withoutTypes(source: string): string {
  return stripTypeScriptTypes(source).replace(/(['"`])([^'"`\s]+)\.ts\1/g, '$1$2.js$1');
}
