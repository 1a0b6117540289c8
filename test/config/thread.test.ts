/** Configurations are read in a thread of their own: the answers, and what becomes of a thread that fails. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadPlanFile } from '../../src/config/load.ts';
import type { LoadAnswer } from '../../src/config/messages.ts';
import { packPlan, unpackPlan } from '../../src/config/plan-bytes.ts';
import { ConfigThread } from '../../src/config/thread.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-config-thread-'));
after(() => rmSync(dir, { recursive: true }));

const yaml = (servers: number, more = '') => {
  const list = Array.from({ length: servers }, (_, j) => `'10.1.${j >> 8}.${j & 255}:80'`).join();
  return `server: lb\nnics: [{name: eth0}]\nservices: [{vip: '10.0.0.1:80/tcp', realServers: [${list}]}]\n${more}`;
};
const path = join(dir, 'fourlane.yaml');
const write = (text: string) => writeFileSync(path, text);
write(yaml(2));
const first = loadPlanFile(path, { hostname: 'lb' });
const request = { path, hostname: 'lb', running: packPlan(first), fingerprint: first.fingerprint };

/** The mistakes of a file that is refused. */
function refusedOf(answer: LoadAnswer): readonly string[] {
  assert.ok('refused' in answer);
  return answer.mistakes;
}

test('the same file, another one, one with mistakes, one that is not there', async () => {
  const thread = new ConfigThread();
  assert.deepEqual(await thread.load(request), {
    same: true,
    needsRestart: [],
    summary: 'nothing changed',
    followed: new Map(),
  });
  write(yaml(3));
  const { plan, ...changed } = (await thread.load(request)) as { plan: SharedArrayBuffer };
  assert.deepEqual(changed, {
    same: false,
    needsRestart: [],
    summary: 'service 10.0.0.1:80/tcp changed; checks: 1 added, 0 removed, 2 kept',
    followed: new Map(),
  });
  assert.deepEqual(unpackPlan(plan), loadPlanFile(path, { hostname: 'lb' }));
  write(yaml(3, 'cluster: other\n'));
  const restart = await thread.load(request);
  assert.deepEqual('needsRestart' in restart && restart.needsRestart, ['cluster']);
  write(yaml(3, 'nicks: []\nrule: 1\n'));
  assert.deepEqual(
    refusedOf(await thread.load(request)).map((line) => /:(\d+):1: (\w+)/.exec(line)?.slice(1)),
    [
      ['4', 'nicks'],
      ['5', 'rule'],
    ],
  );
  const missing = await thread.load({ ...request, path: join(dir, 'none.yaml') });
  assert.match('refused' in missing ? missing.refused : '', /cannot read the configuration .*none\.yaml: there is no such file/);
  assert.deepEqual(refusedOf(missing), []);
  await thread.stop();
});

test('while a long file is read this thread turns', async () => {
  write(yaml(40_000));
  const thread = new ConfigThread();
  const started = performance.now();
  let longest = 0;
  let last = started;
  const turn = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  const { plan } = (await thread.load(request)) as { plan: SharedArrayBuffer };
  clearInterval(turn);
  assert.equal(unpackPlan(plan).targets.length, 40_000);
  assert.ok(longest < (performance.now() - started) / 4, `${longest} ms`);
  await thread.stop();
});

test('a file that takes too long is given up, and the next one is read by another thread; one that idles is ended', async () => {
  write(yaml(40_000));
  const thread = new ConfigThread({ loadMs: 1, idleMs: 300 });
  await assert.rejects(thread.load(request), /could not be read within 0\.001 s; nothing was changed/);
  await thread.stop();
  const patient = new ConfigThread({ loadMs: 60_000, idleMs: 50 });
  for (let k = 0; k < 2; k++) {
    assert.equal(refusedOf(await patient.load({ ...request, path: join(dir, 'none.yaml') })).length, 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  // The end of a thread is nothing to its successor.
  const ended = patient.load(request);
  void patient.stop();
  const next = patient.load({ ...request, path: join(dir, 'none.yaml') });
  await assert.rejects(ended, /its thread was ended; nothing was changed/);
  assert.equal(refusedOf(await next).length, 0);
  await patient.stop();
});

test('a FIFO is refused: the start has read it, and nobody writes into it again', async () => {
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const thread = new ConfigThread();
  const answer = await thread.load({ ...request, path: fifo });
  assert.match('refused' in answer ? answer.refused : '', /fifo: it is a FIFO, which only the start can read/);
  await thread.stop();
});
