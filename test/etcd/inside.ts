/** Programs that make an etcd cluster: run again in a network of their own, as a system test is. Needs root. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensure } from '../../src/lab/ensure.ts';
import { isolated } from '../run/isolation.ts';

const INSIDE = 'FOURLANE_ETCD_INSIDE';
/** What is measured is the program as it is started, of these sources. */
const BUILD = fileURLToPath(new URL('../../src/build/build.mjs', import.meta.url));

/**
 * Whether we are inside; outside, the program is run there first, and its exit status is ours.
 * @param packages that it needs besides those of etcd
 */
export function isInside(packages: readonly string[] = []): boolean {
  if (process.env[INSIDE] !== undefined) return true;
  spawnSync(process.execPath, [BUILD], { stdio: 'inherit' });
  ensure(['etcd-server', 'etcd-client', 'openssl', 'nftables', 'iproute2', ...packages]);
  const [command, ...argv] = isolated([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  process.exitCode = spawnSync(command!, argv, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } }).status ?? 1;
  return false;
}
