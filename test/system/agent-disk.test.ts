/** The agent whose state directory is full, read-only, or not one. Needs root, for mount. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensure } from '../../src/lab/ensure.ts';
import { AgentProcess, enterOwnNetwork, loopbackServers, QUICK, run, serve, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-full-'));
const disk = join(dir, 'disk');
let server: Awaited<ReturnType<typeof serve>>;
let agent: AgentProcess;
let base: Record<string, unknown>;

before(async () => {
  ensure(['iproute2']);
  enterOwnNetwork();
  mkdirSync(disk);
  run(`mount -t tmpfs -o size=256k tmpfs ${disk}`);
  server = await serve(0);
  base = {
    listen: '127.0.0.1:0',
    stateDir: disk,
    nics: [{ name: 'lo' }],
    services: [
      {
        vip: '10.0.0.1:80/tcp',
        check: { type: 'tcp', interval: '200ms', timeout: '200ms' },
        realServers: loopbackServers(50, server.port),
      },
    ],
    evidence: { log: join(disk, 'evidence') },
    rules: QUICK,
  };
  agent = await AgentProcess.start(writeConfig(dir, base));
});
after(async () => {
  await agent?.end();
  await server.close();
  run(`umount ${disk}`);
  rmSync(dir, { recursive: true });
});

const failed = () => agent.metric('fourlane_state_save_failed');
const said = () => agent.log.filter((l) => l.message.startsWith('state is not saved'));
let weight = 1;
/** A reload that changes something: the state is saved after it. */
const reload = async (more: object = {}) => {
  const [service] = base['services'] as [{ realServers: string[] }];
  const [first, ...rest] = service.realServers;
  writeConfig(dir, {
    ...base,
    ...more,
    services: [{ ...service, realServers: [{ address: first, weight: weight++ }, ...rest] }],
  });
  assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
};

test('a full disk: said once, shown, the evidence log fails and not the agent; both are written again once there is space', {
  timeout: 45_000,
}, async () => {
  await agent.allGood();
  await until('a first save', 7000, () => readFileSync(join(disk, 'state.json')).length > 100);
  const kept = readFileSync(join(disk, 'state.json'), 'utf8');
  assert.throws(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(1 << 20)), { code: 'ENOSPC' });
  await reload();
  await until('failed', 7000, async () => (await failed()) === 1);
  await until('the evidence log fails', 7000, () => agent.logged(/^evidence log .*ENOSPC.*it is tried again every 10 s/));
  await reload();
  const results = (await agent.metric('fourlane_check_results_total'))!;
  await until('checks go on', 3000, async () => (await agent.metric('fourlane_check_results_total'))! > results + 200);
  assert.equal(said().length, 1);
  assert.equal(said()[0]!['code'], 'STATE_UNWRITABLE');
  assert.match(said()[0]!.message, /no space left on the file system; free some \(ENOSPC\)/);
  assert.equal(readFileSync(join(disk, 'state.json'), 'utf8'), kept, 'the old state is whole');
  await agent.allGood();
  assert.ok((await agent.metric('fourlane_evidence_dropped_total'))! > 0);

  rmSync(join(disk, 'ballast'));
  await reload();
  await until('saved', 7000, async () => (await failed()) === 0);
  assert.notEqual(readFileSync(join(disk, 'state.json'), 'utf8'), kept);
  const recorded = () => statSync(join(disk, 'evidence')).size;
  const before = recorded();
  await until('evidence is recorded again', 15_000, () => recorded() > before + 1000);
});

test('read-only, then not a directory: a message each, and the agent goes on; also when it starts so', {
  timeout: 30_000,
}, async () => {
  const before = said().length;
  const silent = { evidence: {} };
  await reload(silent);
  // A file that is open for writing, such as a state that is just being saved, keeps its file system from becoming read-only.
  await until('read-only', 5000, () => {
    run(`mount -o remount,ro ${disk}`);
    return true;
  });
  await reload(silent);
  await until('failed', 7000, async () => (await failed()) === 1);
  // The metric may be seen before the log's line has come through its pipe.
  await until('told', 7000, async () => said().length > before);
  assert.match(said().at(-1)!.message, /read-only/);
  assert.equal(said().length, before + 1);
  run(`mount -o remount,rw ${disk}`);
  await reload(silent);
  await until('saved', 7000, async () => (await failed()) === 0);

  await agent.end('SIGTERM');
  writeFileSync(join(dir, 'file'), '');
  agent = await AgentProcess.start(writeConfig(dir, { ...base, evidence: {}, stateDir: join(dir, 'file') }));
  await agent.allGood();
  await until('failed', 7000, async () => (await failed()) === 1);
  assert.match(said().at(-1)!.message, /file/);
});
