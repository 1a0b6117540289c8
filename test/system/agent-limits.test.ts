/**
 * The agent short of descriptors, and among hostile peers: its own trouble and theirs stay where they are. On loopback, as any
 * user.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { VerdictReport } from '../../src/report/report.ts';
import { AgentProcess, loopbackServers, QUICK, run, serve, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-limits-'));
const closers: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(dir, { recursive: true });
});

async function server(talk: (socket: Socket) => void): Promise<number> {
  const { port, close } = await serve(0, talk);
  closers.push(close);
  return port;
}

async function agentOn(name: string, services: Record<string, string[]>): Promise<AgentProcess> {
  const file = writeConfig(
    dir,
    {
      listen: '127.0.0.1:0',
      stateDir: join(dir, name),
      nics: [2, 3].map((n) => ({ name: `lo${n}`, device: 'lo', source: `127.0.0.${n}` })),
      services: Object.entries(services).map(([service, realServers], i) => ({
        name: service,
        vip: `10.0.0.${i + 1}:80/tcp`,
        check: { type: 'http', path: '/', interval: '500ms', timeout: '400ms' },
        realServers,
      })),
      rules: QUICK,
    },
    `${name}.yaml`,
  );
  const agent = await AgentProcess.start(file);
  closers.push(() => agent.end());
  return agent;
}

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('64 descriptors: local errors, no crash, nobody blamed, and all is well once the limit is raised', async () => {
  const port = await server((socket) => socket.once('data', () => setTimeout(() => socket.end(answer), 150)));
  const agent = await agentOn('fds', { web: loopbackServers(300, port) });
  assert.equal((await agent.control('/-/healthy')).status, 200); // connected while there are descriptors
  run(`prlimit --pid ${agent.pid} --nofile=64:4096`);
  await until('local errors', 8000, async () => (await agent.metric('fourlane_check_results_total', 'local_error'))! > 1000);
  assert.deepEqual(await about(agent, 'agent'), []);

  // A lane that dies now, and the link monitor, need descriptors to come back.
  assert.equal((await agent.ask('/-/chaos?crashLane=lo2', 'POST')).status, 200);
  await until('the lane ended', 3000, () => agent.logged(/^lane ended/));
  run(`prlimit --pid ${agent.pid} --nofile=4096:4096`);
  await agent.allGood();
  assert.deepEqual(await about(agent, 'agent'), []);
  assert.equal(agent.ended, undefined);
});

/** Verdict changes about anything but this kind of subject. */
async function about(agent: AgentProcess, subject: string): Promise<string[]> {
  return (await agent.transitions()).filter((t) => t.subject !== subject).map((t) => `${t.subject} ${t.verdict} ${t.reason}`);
}

test('a byte a second, headers that are none, a reply that never ends: those are down, the others are not touched', async () => {
  const good = await server((socket) => socket.once('data', () => socket.end(answer)));
  const drip = await server((socket) => {
    let at = 0;
    const timer = setInterval(() => socket.write(answer[at++ % answer.length]!), 1000);
    socket.on('close', () => clearInterval(timer));
  });
  const nonsense = await server((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n: \0no header\r\n\r\n')));
  const flood = await server((socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 'x'))) continue;
    };
    socket.on('drain', pour);
    socket.once('data', pour);
  });
  const bad = [`127.2.0.1:${drip}`, `127.2.0.2:${nonsense}`, `127.2.0.3:${flood}`];
  const agent = await agentOn('hostile', { web: [...loopbackServers(20, good), ...bad] });
  for (const rs of bad) await agent.verdict('RS_DOWN', { rs, cause: 'l7' });
  const why = async (rs: string) =>
    (await agent.get<{ verdicts: VerdictReport[] }>(`/api/v1/why?rs=${rs}`)).verdicts[0]!.evidence.cells.map((c) => c.cause);
  assert.deepEqual(await why(bad[0]!), ['deadline', 'deadline']);
  assert.deepEqual(await why(bad[1]!), ['invalid_reply', 'invalid_reply']);
  assert.deepEqual(new Set((await agent.verdicts()).map((v) => v.rs)), new Set(bad));
  const { cells } = (await agent.status()).nics[0]!;
  assert.equal(cells.ok, 20);

  // 10 MB to the agent itself, and paths made to confuse: checks go on meanwhile.
  const { port } = new URL(agent.logged(/^ready/)!['listen'] as string);
  const late = async () => agent.metric('fourlane_check_results_total', '"late"');
  const before = await late();
  const head = (path: string, length: number) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;
  const told = await Promise.all([
    say(Number(port), head('/-/reload', 10 << 20), Buffer.alloc(10 << 20, 'x')),
    say(Number(port), head(`/${'../'.repeat(2000)}etc/passwd`, 0)),
    say(Number(port), 'GET /%00%ff?\u0001 HTTP/1.1\r\n\r\n'),
  ]);
  // An answer to who still sends may be lost to the RST that follows.
  for (const text of told) assert.match(text, /^(HTTP\/1\.1 4\d\d |$)/);
  const results = (await agent.metric('fourlane_check_results_total', '"ok"'))!;
  await until('checks go on', 2000, async () => (await agent.metric('fourlane_check_results_total', '"ok"'))! > results + 40);
  assert.equal(await late(), before);
  assert.equal((await agent.status()).nics[0]!.cells.ok, 20);
});

/** Sends bytes to the agent; resolves with all it answered, also when it cuts the connection. */
function say(port: number, ...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined); // it may close while we still send: that is its right
    socket.on('close', () => resolve(text));
    for (const part of parts) socket.write(part);
    setTimeout(() => socket.end(), 500);
  });
}

test('a name instead of an address: refused at start, with place and remedy', async () => {
  const config = { nics: [{ name: 'lo' }], services: [{ vip: '10.0.0.1:80/tcp', realServers: ['web-1.example:80'] }] };
  const agent = AgentProcess.spawn(writeConfig(dir, config, 'name.yaml'));
  await until('ended', 5000, () => agent.ended);
  assert.equal(agent.ended, 1);
  assert.match(agent.log[0]?.message ?? '', /name\.yaml:\d+:\d+: services\[0\]\.realServers\[0\]: .*web-1\.example/);
});
