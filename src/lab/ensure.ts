/**
 * Debian packages that system tests, the lab and the demo use: installed when missing, or named in one line to run. Never a
 * silent skip.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/**
 * What proves a package is there: a program in PATH, or a file pattern. Faster than asking dpkg, and right on other distributions
 * too.
 */
const PROBES: Readonly<Record<string, string>> = {
  iproute2: 'ip',
  procps: 'sysctl',
  nftables: 'nft',
  keepalived: 'keepalived',
  ipvsadm: 'ipvsadm',
  prometheus: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  'prometheus-blackbox-exporter': 'prometheus-blackbox-exporter',
  faketime: 'faketime',
  'etcd-server': 'etcd',
  'etcd-client': 'etcdctl',
  'dpdk-dev': 'dpdk-testpmd',
  'libdpdk-dev': '/usr/include/dpdk/rte_eal.h',
  gcc: 'gcc',
  make: 'make',
  'libc6-dev': '/usr/include/stdio.h',
  'pkg-config': 'pkg-config',
  'libnuma-dev': '/usr/include/numa.h',
  logrotate: 'logrotate',
  jsonnet: 'jsonnet',
  chromium: 'chromium',
  pngquant: 'pngquant',
  openssl: 'openssl',
  curl: 'curl',
  wget: 'wget',
  systemd: '/lib/systemd/systemd',
  'qemu-system-x86': 'qemu-system-x86_64',
  'linux-image-amd64': '/boot/vmlinuz-*-amd64',
  'busybox-static': 'busybox',
  kmod: 'depmod',
  'nginx-light': 'nginx',
  'libnginx-mod-stream': '/usr/lib/nginx/modules/ngx_stream_module.so',
  haproxy: 'haproxy',
  frr: '/usr/lib/frr/bgpd',
  bird2: 'bird',
};

/** Whether what `package` brings is on this machine. Throws for a package without a probe. */
export function present(name: string, probes = PROBES): boolean {
  const probe = probes[name];
  if (probe === undefined) throw new Error(`src/lab/ensure.ts has no probe for the package ${name}: add it to PROBES`);
  if (probe.startsWith('/')) return globSync(probe).length > 0;
  return [...(process.env['PATH'] ?? '').split(delimiter), ...SBIN].some((dir) => existsSync(join(dir, probe)));
}

/**
 * Makes sure that the packages are installed. As root on Debian it installs the missing ones; otherwise it throws, naming the one
 * line to run. Also puts the sbin directories into PATH, where `ip` and `nft` live.
 */
export function ensure(packages: readonly string[], probes = PROBES): void {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  process.env['PATH'] = [...path, ...SBIN.filter((directory) => !path.includes(directory))].join(delimiter);
  const missing = packages.filter((name) => !present(name, probes));
  if (missing.length === 0) return;
  const line = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) throw new Error(`missing: ${missing.join(', ')}. Run as root: ${line}`);
  if (!existsSync('/usr/bin/apt-get'))
    throw new Error(`missing: ${missing.join(', ')}, and there is no apt-get here. On Debian: ${line}`);
  console.error(`installing ${missing.join(', ')} …`);
  install(missing);
  const still = missing.filter((name) => !present(name, probes));
  if (still.length > 0) throw new Error(`could not install ${still.join(', ')}. Try: ${line}`);
}

/**
 * Whoever installs holds this lock: two at once would disturb each other's package lists and policy. It is there wherever apt is.
 */
const LOCK = '/var/cache/apt/fourlane-ensure.lock';

/**
 * Daemons that come with a package must not start by themselves: 101 is policy-rc.d's "action forbidden". Package lists that are
 * missing are fetched, and stale ones again: they name versions that the mirror no longer has.
 */
const INSTALL = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >$policy
  chmod 755 $policy
fi
install() { apt-get -qq -o DPkg::Lock::Timeout=180 install -y --no-install-recommends "$@" >/dev/null; }
if ls /var/lib/apt/lists | grep -q Packages && install "$@"; then exit 0; fi
apt-get -qq update
install "$@"
`;

function install(packages: readonly string[]): void {
  const run = spawnSync('flock', [LOCK, 'sh', '-c', INSTALL, 'sh', ...packages], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (run.status !== 0) console.error(`apt-get: ${run.stderr.trim().split('\n').slice(-3).join(' | ')}`);
}
