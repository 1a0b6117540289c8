/** NICs that come, go and change their name under the agent. In a network of its own; needs root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensure } from '../../src/lab/ensure.ts';
import { AgentProcess, enterOwnNetwork, metricOf, QUICK, run, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-nic-'));
const NICS = ['one', 'two', 'three'];
const ends: (() => unknown)[] = [];
let agent: AgentProcess;

/** A veth whose far end, in the namespace `rs`, has the real servers' addresses; link-local ones are the same on every link. */
function plug(nic: string): void {
  const n = NICS.indexOf(nic) + 1;
  run(`ip link add ${nic} type veth peer name ${nic} netns rs`);
  run(`ip address add 10.94.${n}.1/24 dev ${nic}`);
  for (const where of ['', '-n rs ']) {
    run(`ip ${where}link set ${nic} addrgenmode none`);
    run(`ip ${where}link set ${nic} up`);
  }
  run(`ip address add fe80::1/64 dev ${nic} nodad`);
  run(`ip -n rs address add fe80::2/64 dev ${nic} nodad`);
  run(`ip -n rs route add 10.94.${n}.0/24 dev ${nic}`);
  run(`ip route add 10.99.0.0/24 dev ${nic} metric ${n}`);
}

before(async () => {
  ensure(['iproute2']);
  enterOwnNetwork();
  run('ip netns add rs');
  run('ip -n rs link set lo up');
  run('ip -n rs address add 10.99.0.1/32 dev lo');
  run('ip -n rs address add 10.99.0.2/32 dev lo');
  run('ip -n rs address add 10.99.0.3/32 dev lo');
  for (const nic of ['one', 'two']) plug(nic);
  const listener =
    "require('net').createServer((s) => s.on('error', () => {}))" + ".listen({port: 80, host: '::'}, () => console.log('up'))";
  const child = spawn('ip', ['netns', 'exec', 'rs', process.execPath, '-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => child.kill());
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const file = writeConfig(dir, {
    listen: '127.0.0.1:0',
    stateDir: join(dir, 'state'),
    nics: NICS.map((name, i) => ({ name, source: `10.94.${i + 1}.1` })),
    services: [
      {
        vip: '10.0.0.1:80/tcp',
        check: { type: 'tcp', interval: '200ms', timeout: '200ms' },
        realServers: ['10.99.0.1:80', '10.99.0.2:80', '10.99.0.3:80'],
      },
      { vip: '10.0.0.2:80/tcp', check: { type: 'tcp', interval: '200ms', timeout: '200ms' }, realServers: ['[fe80::2]:80'] },
    ],
    rules: QUICK,
  });
  agent = await AgentProcess.start(file);
});
after(async () => {
  await agent?.end();
  for (const end of ends) end();
  rmSync(dir, { recursive: true });
});

const cells = async (nic: string) => (await agent.status()).nics.find((n) => n.name === nic)!.cells;
const good = (nic: string) => until(`${nic} is good`, 8000, async () => (await cells(nic)).ok === 4);
/** Bad results of a NIC other than those that follow from its absence. */
const results = async (nic: string, outcome: string) =>
  metricOf((await agent.ask('/metrics')).text, 'fourlane_check_results_total', `nic="${nic}"`, `outcome="${outcome}"`) ?? 0;
const blamed = async () =>
  (await agent.verdicts()).map((v) => `${v.verdict} ${v.cause} ${v.nic ?? v.rs}`).toSorted((a, b) => (a < b ? -1 : 1));

test('a NIC that does not exist at the start is a state, not a crash; when it comes it is used, link-local addresses too', {
  timeout: 20_000,
}, async () => {
  await good('one');
  await good('two');
  await agent.verdict('NIC_FAIL', { nic: 'three', cause: 'carrier' });
  assert.deepEqual(await blamed(), ['NIC_FAIL carrier three']);
  await until('netdown', 2000, async () => (await results('three', 'netdown')) > 0);
  plug('three');
  await good('three');
  await agent.allGood();
});

test('renamed under the agent: that NIC is down, the others are not touched; back under its name it works again', {
  timeout: 20_000,
}, async () => {
  const fine = await results('one', 'ok');
  const before = await Promise.all(['timeout', 'unreachable', 'netdown', 'local_error'].map((o) => results('one', o)));
  run('ip link set two down');
  run('ip link set two name other');
  run('ip link set other up');
  await agent.verdict('NIC_FAIL', { nic: 'two', cause: 'carrier' });
  await until('netdown', 2000, async () => (await results('two', 'netdown')) > 5);
  assert.deepEqual(await blamed(), ['NIC_FAIL carrier two']);
  assert.equal((await cells('one')).ok, 4);
  run('ip link set other down');
  run('ip link set other name two');
  run('ip link set two up');
  run('ip address replace fe80::1/64 dev two nodad');
  run('ip route add 10.99.0.0/24 dev two metric 2');
  await good('two');
  await agent.allGood();
  assert.ok((await results('one', 'ok')) > fine + 20);
  assert.deepEqual(await Promise.all(['timeout', 'unreachable', 'netdown', 'local_error'].map((o) => results('one', o))), before);
});

test('deleted and made anew: link-local real servers follow the new interface index', { timeout: 20_000 }, async () => {
  run('ip link delete two');
  await agent.verdict('NIC_FAIL', { nic: 'two', cause: 'carrier' }, 2000);
  assert.deepEqual(await blamed(), ['NIC_FAIL carrier two']);
  plug('two');
  await good('two');
  await agent.allGood();
  assert.equal(await agent.metric('fourlane_lane_restarts_total'), 0);
});
