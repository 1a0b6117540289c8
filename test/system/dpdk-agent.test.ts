/**
 * A cable pulled from a DPDK port leaves the kernel's interface up: the agent hears of it from the dpdk collector. Needs root.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { DpdkProcess } from './dpdk-app.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { AgentProcess, enterOwnNetwork, loopbackServers, metricOf, QUICK, serve, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(`${tmpdir()}/fourlane-dpdk-agent-`);
const ends: (() => unknown)[] = [];
let agent: AgentProcess;
let testpmd: DpdkProcess;

before(async () => {
  ensure(['iproute2', 'dpdk-dev']);
  enterOwnNetwork();
  testpmd = await DpdkProcess.testpmd('rte', ['net_ring0', 'net_ring1']);
  const { port, close } = await serve(0);
  ends.push(close);
  // Both NICs probe over lo, as over a .kni interface: it never goes down.
  const nics = ['one', 'two'].map((name, i) => ({ name, device: 'lo', dataplane: `net_ring${i}` }));
  const check = { type: 'tcp', interval: '200ms', timeout: '200ms' };
  const file = writeConfig(dir, {
    listen: '127.0.0.1:0',
    stateDir: `${dir}/state`,
    nics,
    services: [{ vip: '10.0.0.1:80/tcp', check, realServers: loopbackServers(3, port) }],
    rules: QUICK,
    collectors: { dpdk: { interval: '200ms' } },
  });
  agent = await AgentProcess.start(file);
  ends.push(() => agent.end());
});
after(async () => {
  for (const end of ends.toReversed()) await end();
  await testpmd?.end();
  rmSync(dir, { recursive: true });
});

const metric = async (name: string, ...labels: string[]) => metricOf((await agent.ask('/metrics')).text, name, ...labels);

test('a port without a link fails its NIC although every probe gets through, and heals it when the link is back', {
  timeout: 40_000,
}, async () => {
  await agent.allGood();
  await until('the port is known', 5000, async () => (await metric('fourlane_dpdk_port_up', 'port="net_ring1"')) === 1);
  testpmd.type('set link-down port 1');
  const started = performance.now();
  const verdict = await agent.verdict('NIC_FAIL', { nic: 'two' });
  assert.ok(performance.now() - started < 5000);
  assert.equal(verdict.cause, 'carrier');
  assert.deepEqual((await agent.verdicts()).length, 1);
  assert.equal(await metric('fourlane_dpdk_port_up', 'port="net_ring1"'), 0);
  testpmd.type('set link-up port 1');
  await agent.allGood();
});

test('a DPDK process that is killed is no link that is down: its NICs stay', { timeout: 30_000 }, async () => {
  await testpmd.end('SIGKILL');
  await until('failed', 5000, async () => (await metric('fourlane_collector_state', 'collector="dpdk"', 'state="failed"')) === 1);
  await until('the reason', 5000, () => agent.logged(/collector dpdk: failed, .* nobody listens/));
  assert.deepEqual(await agent.verdicts(), []);
});
