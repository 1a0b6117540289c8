/**
 * Debian packages of all system tests, installed together before the first of them: a test on a network of its own reaches no
 * mirror. Run as a program it installs what is missing.
 */
import { ensure } from '../../src/lab/ensure.ts';

export const PACKAGES: readonly string[] = [
  'iproute2',
  'openssl',
  'procps',
  'nftables',
  'keepalived',
  'etcd-server',
  'etcd-client',
  'prometheus',
  'prometheus-alertmanager',
  'jsonnet',
  'chromium',
  'logrotate',
  'systemd',
  'curl',
  'dpdk-dev',
  'libdpdk-dev',
  'libnuma-dev',
  'gcc',
  'libc6-dev',
  'pkg-config',
  'make',
  'frr',
  'bird2',
  'nginx-light',
  'libnginx-mod-stream',
  'haproxy',
];

if (import.meta.main) ensure(PACKAGES);
