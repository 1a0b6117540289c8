/** Several checks per real server in a running agent, and files that say a weight: what its actuator is asked for. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AgentProcess, QUICK, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-checks-'));
const LIMIT = { timeout: 60_000 };
const STATE = join(dir, 'state');
const WEIGHT = join(dir, 'weight');
const CALLS = join(dir, 'calls');
const QUICKLY = { interval: '200ms', timeout: '200ms', rise: 1, fall: 2 };
let server: Server;
let agent: AgentProcess;
let name: string;

const ask = (path: string, value: number) => writeFileSync(path, `${value}\n`);
/** What the actuator was asked for since `from`: service, real server, state and weight. */
const calls = (from = 0) => readFileSync(CALLS, 'utf8').split('\n').slice(from, -1);
const asked = (line: string, from: number) =>
  until(`${line}, after ${calls().join('; ')}`, 10_000, () => calls(from).includes(line));

before(async () => {
  appendFileSync(CALLS, '');
  ask(STATE, 0);
  ask(WEIGHT, 0);
  server = createServer((socket) => socket.on('error', () => undefined));
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
  name = `127.0.0.1:${port}`;
  const line = '$FOURLANE_SERVICE $FOURLANE_REAL_SERVER $FOURLANE_STATE $FOURLANE_WEIGHT';
  const script = `[ "$FOURLANE_KIND" = realServer ] && echo "${line}" >> ${CALLS}; :`;
  const actuator = { exec: { command: ['/bin/sh', '-c', script] } };
  const service = (called: string, vip: string, file: object) => ({
    name: called,
    vip,
    checks: [
      { type: 'tcp', ...QUICKLY },
      { type: 'file', ...QUICKLY, ...file },
    ],
    realServers: [`127.0.0.1:${port}`],
    panic: 0,
    actuator,
  });
  const file = writeConfig(dir, {
    listen: '127.0.0.1:0',
    stateDir: join(dir, 'agent'),
    nics: [{ name: 'lo' }],
    services: [
      service('both', '10.0.0.1:80/tcp', { path: STATE }),
      service('weighed', '10.0.0.2:80/tcp', { path: WEIGHT, weight: 10 }),
    ],
    rules: { ...QUICK, panic_min_real_servers: 1 },
  });
  agent = await AgentProcess.start(file);
}, LIMIT);
after(async () => {
  await agent?.end();
  server.close();
  rmSync(dir, { recursive: true });
});

test('the status has every check of a real server, and a good file is a good cell', LIMIT, async () => {
  await until('all cells are good', 10_000, async () => (await agent.status()).nics[0]!.cells.ok === 3);
  const [both] = (await agent.status()).services;
  assert.deepEqual(
    both!.realServers[0]!.checks!.map(({ type, verdict }) => `${type} ${verdict}`),
    ['tcp OK', 'file OK'],
  );
});

test('a number in a file takes the real server out although its port answers, and back', LIMIT, async () => {
  const from = calls().length;
  ask(STATE, 1);
  await until('the file is judged', 10_000, async () => (await agent.verdicts()).some((v) => v.verdict === 'RS_DOWN'));
  const [verdict] = await agent.verdicts();
  assert.equal(verdict!.rs, `${name}#file-${verdict!.rs!.slice(-6)}`);
  await asked(`both ${name} disabled 0`, from);
  ask(STATE, 0);
  await asked(`both ${name} enabled 100`, from);
});

test('a number in a file changes the weight, down to a drain, which is no fault', LIMIT, async () => {
  const from = calls().length;
  ask(WEIGHT, -5);
  await asked(`weighed ${name} enabled 50`, from);
  ask(WEIGHT, -10);
  await asked(`weighed ${name} disabled 0`, from);
  assert.deepEqual(
    (await agent.verdicts()).filter((v) => v.subject === 'rs'),
    [],
  );
  assert.equal(await agent.metric('fourlane_real_server_weight', 'service="weighed"', 'kind="wanted"'), 0);
  assert.equal(await agent.metric('fourlane_real_server_up', 'service="weighed"'), 1);
  ask(WEIGHT, 7);
  await asked(`weighed ${name} enabled 170`, from);
  ask(WEIGHT, 0);
  await asked(`weighed ${name} enabled 100`, from);
});
