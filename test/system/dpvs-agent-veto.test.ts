/**
 * An agent whose probes through one NIC are dropped while its DPVS forwards (rule R11): a control socket of the test's own that
 * answers with recorded bytes whose counters move. In a network of its own; needs root.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Replay } from '../../src/judge/replay.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { FakeDpvs } from '../collect/dpvs-fake.ts';
import { moving } from '../collect/dpvs-moving.ts';
import { AgentProcess, enterOwnNetwork, QUICK, run, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-veto-'));
const LOG = join(dir, 'evidence.jsonl');
const NICS = ['one', 'two'];
const ends: (() => unknown)[] = [];
let agent: AgentProcess;

/** Seconds in which clients of DPVS were served. */
let served = 0;
let clients = true;
let counted = performance.now();
function seconds(): number {
  const now = performance.now();
  if (clients) served += (now - counted) / 1000;
  counted = now;
  return served;
}

const dpvs = new FakeDpvs(
  moving({
    connections: () => seconds() * 50,
    replies: () => seconds() * 250,
    packets: () => ({ in: seconds() * 1000, out: seconds() * 900 }),
  }),
);

before(async () => {
  ensure(['iproute2']);
  enterOwnNetwork();
  run('ip netns add rs');
  run('ip -n rs link set lo up');
  for (const k of [1, 2, 3]) run(`ip -n rs address add 10.99.0.${k}/32 dev lo`);
  NICS.forEach((nic, i) => {
    run(`ip link add ${nic} type veth peer name ${nic} netns rs`);
    run(`ip address add 10.94.${i}.1/24 dev ${nic}`);
    run(`ip link set ${nic} up`);
    run(`ip -n rs link set ${nic} up`);
    run(`ip -n rs route add 10.94.${i}.0/24 dev ${nic}`);
    run(`ip route add 10.99.0.0/24 dev ${nic} metric ${i + 1}`);
  });
  const listener = "require('net').createServer((s) => s.on('error', () => {})).listen({port: 80}, () => console.log('up'))";
  const child = spawn('ip', ['netns', 'exec', 'rs', process.execPath, '-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => child.kill());
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await dpvs.listen();
  ends.push(() => dpvs.close());
  const file = writeConfig(dir, {
    listen: '127.0.0.1:0',
    stateDir: join(dir, 'state'),
    evidence: { log: LOG },
    nics: NICS.map((name, i) => ({ name, source: `10.94.${i}.1`, dataplane: `dpdk${i}` })),
    services: [
      {
        vip: '10.0.0.1:80/tcp',
        check: { type: 'tcp', interval: '200ms', timeout: '200ms' },
        realServers: [1, 2, 3].map((k) => `10.99.0.${k}:80`),
      },
    ],
    rules: QUICK,
    collectors: { dpvs: { socket: dpvs.path, interval: '500ms', tableInterval: '1s' } },
  });
  agent = await AgentProcess.start(file);
});
after(async () => {
  await agent?.end();
  for (const end of ends.toReversed()) await end();
  rmSync(dir, { recursive: true });
});

/** Replies to probes from the second NIC's address are dropped, or arrive again; its carrier stays. */
function drop(on: boolean): void {
  run('ip -n rs route del 10.94.1.0/24');
  run(`ip -n rs route add ${on ? 'blackhole 10.94.1.0/24' : '10.94.1.0/24 dev two'}`);
}

const told = async () => (await agent.transitions()).filter((t) => t.nic === 'two').map((t) => t.verdict);
const enabled = async () => (await agent.status()).nics.map((nic) => nic.enabled);

test('probes dropped, clients well: named, nothing taken out, however often; and when clients are not well it is failed', {
  timeout: 90_000,
}, async () => {
  await agent.allGood(15_000);
  await until('facts about both NICs', 15_000, async () => {
    const { verdicts } = await agent.get<{ verdicts: { evidence: { numbers: Record<string, number> } }[] }>(
      '/api/v1/why?nic=two',
    );
    return verdicts[0]!.evidence.numbers['answered_ratio_others'] === 1;
  });
  for (let outage = 0; outage < 3; outage++) {
    drop(true);
    const verdict = await agent.verdict('PROBE_PATH_FAULT', { nic: 'two' }, 6000);
    assert.match(verdict.reason, /100 % of new connections can have been answered/);
    assert.deepEqual(await enabled(), [true, true]);
    drop(false);
    await agent.allGood(15_000);
  }
  assert.ok(!(await told()).includes('NIC_FAIL'), (await told()).join());
  clients = false;
  drop(true);
  await agent.verdict('NIC_FAIL', { nic: 'two' }, 6000);
  assert.deepEqual(await enabled(), [true, false]);
});

test('later facts lift the failure, and the slice comes back', { timeout: 60_000 }, async () => {
  seconds();
  clients = true;
  await agent.verdict('PROBE_PATH_FAULT', { nic: 'two' }, 30_000);
  await until('enabled', 3000, async () => (await enabled())[1]);
  drop(false);
  await agent.allGood(15_000);
});

test('the evidence log holds all that the verdicts came from: its replay is the run', { timeout: 30_000 }, async () => {
  const seen = (await agent.transitions()).toSorted((a, b) => a.time.localeCompare(b.time));
  const live = seen.map((t) => `${t.subject} ${t.verdict} ${t.cause}`);
  await agent.end('SIGTERM');
  const replay = new Replay();
  const lines = readFileSync(LOG, 'utf8').split('\n');
  const replayed = [...lines.flatMap((line) => replay.line(line)), ...replay.end()].map(
    (t) => `${t.subject} ${t.verdict} ${t.cause}`,
  );
  assert.deepEqual(replayed.slice(0, live.length), live);
  assert.ok(lines.some((line) => line.includes('"on_request":1')));
});
