/** The state file, and what is made of it at a start: nothing in it is trusted, nothing of it is lost without a word. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import fc from 'fast-check';
import { packPlan } from '../../src/config/plan-bytes.ts';
import { Keeper, recover } from '../../src/daemon/persist.ts';
import { SaveThread } from '../../src/daemon/save-thread.ts';
import { StateFile } from '../../src/daemon/state-file.ts';
import type { FourlaneError } from '../../src/model/errors.ts';
import { initial, type JudgeState } from '../../src/judge/judge.ts';
import { verdicts } from '../../src/judge/read.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import { topologyOf } from '../../src/model/topology.ts';
import type { Logger } from '../../src/sys/log.ts';
import { planOf, Stage } from '../act/world.ts';
import { type Fault, play, topology } from '../judge/world.ts';

const root = mkdtempSync(join(tmpdir(), 'fourlane-state-'));
after(() => rmSync(root, { recursive: true }));

let serial = 0;
function place(): { directory: string; path: string; file: StateFile; reported: FourlaneError[] } {
  const directory = join(root, String(serial++));
  const reported: FourlaneError[] = [];
  return {
    directory,
    path: join(directory, 'state.json'),
    file: new StateFile(directory, (e) => reported.push(e), 'boot-1'),
    reported,
  };
}

const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
const verdictNames = (state: JudgeState) => verdicts(state).map((v) => v.verdict);
const saved = { t: 5000, judge: { v: 1 }, applied: null };

test('what is saved is loaded again; no file is no message', async () => {
  const { file, directory } = place();
  assert.deepEqual(await file.load(), { state: undefined, reason: '' });
  await file.save(() => saved);
  assert.deepEqual(await file.load(), { state: saved });
  assert.deepEqual(await readdir(directory), ['state.json'], 'no temporary file stays');
});

test('damage of any kind sets the file aside under a name, with the reason', async () => {
  const cases: [string, (text: string) => string | Buffer, RegExp][] = [
    ['cut short', (t) => t.slice(0, -3), /its checksum does not match: it is damaged/],
    ['a bit turned', (t) => t.replace('5000', '5001'), /its checksum does not match/],
    ['garbage', () => Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 37) & 255)), /not used, because/],
    ['empty', () => '', /not used, because/],
    ['another version', (t) => t.replace('"version":1', '"version":99'), /it has version 99, this agent reads 1/],
    ['another boot', (t) => t.replace('boot-1', 'boot-0'), /it is from before the last boot/],
  ];
  for (const [name, damage, reason] of cases) {
    const { file, path } = place();
    await file.save(() => saved);
    const damaged = damage(readFileSync(path, 'utf8'));
    writeFileSync(path, damaged);
    const loaded = await file.load();
    assert.equal(loaded.state, undefined, name);
    assert.match('reason' in loaded ? loaded.reason : '', reason, name);
    assert.equal('code' in loaded && loaded.code, name !== 'another boot' && 'STATE_DAMAGED', name);
    assert.match('reason' in loaded ? loaded.reason : '', /kept as .*state\.json\.set-aside$/, name);
    assert.ok(!existsSync(path), name);
    assert.equal(readFileSync(`${path}.set-aside`).length, Buffer.byteLength(damaged), name);
  }
});

test('property: no content of the file makes loading fail, and only what was saved is taken', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(400), async (bytes, at) => {
      const { file, path } = place();
      await file.save(() => saved);
      const good = readFileSync(path);
      const broken = Buffer.concat([good.subarray(0, at), bytes]);
      writeFileSync(path, broken);
      const { state } = await file.load();
      if (broken.equals(good)) assert.deepEqual(state, saved);
      else assert.equal(state, undefined);
    }),
    { numRuns: 60 },
  );
});

test('while a write is under way only the latest request counts', async () => {
  const { file } = place();
  const made: number[] = [];
  const save = (t: number) =>
    file.save(() => {
      made.push(t);
      return { ...saved, t };
    });
  await Promise.all([1, 2, 3, 4, 5].map(save));
  assert.deepEqual(made, [1, 5]);
  assert.deepEqual(await file.load(), { state: { ...saved, t: 5 } });
});

test('a directory that cannot be written: reported once for each reason, with its code, and over when it can', async () => {
  const { directory, file, reported, path } = place();
  writeFileSync(directory, 'a file where the directory should be');
  await file.save(() => saved);
  await file.save(() => saved);
  assert.equal(reported.length, 1);
  assert.notEqual(file.error, '');
  rmSync(directory);
  await mkdir(path, { recursive: true });
  await file.save(() => saved);
  assert.deepEqual(
    reported.map((e) => e.code),
    ['STATE_UNWRITABLE', 'STATE_UNWRITABLE'],
  );
  assert.match(reported[1]!.message, /^state is not saved: cannot write .*state\.json: it is a directory; name a file/);
  rmSync(path, { recursive: true });
  await file.save(() => saved);
  assert.equal(file.error, '');
  assert.deepEqual(await file.load(), { state: saved });
});

/** A log that only remembers. */
function memoryLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = Object.fromEntries(
    ['info', 'warn', 'error'].map((level) => [
      level,
      ({ code = '' }: { code?: string }, m: string) => lines.push(`${level} ${code} ${m}`),
    ]),
  );
  return { log: log as unknown as Logger, lines };
}

const shape = topology({ nics: 2, servers: 6 });

test('a snapshot of another topology keeps what is the same; one that is none is set aside and judging begins anew', async () => {
  const { file, path } = place();
  const other = topology({ nics: 1, servers: 9 });
  await file.save(() => ({ t: 900, judge: toSnapshot(initial(other, 900)), applied: { version: 1, applied: [] } }));
  const first = memoryLog();
  const state = (await recover(file, shape, new Stage().reconciler, () => 1000, first.log))(1000);
  assert.equal(state.topology, shape);
  assert.deepEqual(first.lines, ['info  state taken up from before the restart']);

  await file.save(() => ({ t: 900, judge: { v: 1, nics: 'nonsense' }, applied: null }));
  const second = memoryLog();
  const anew = (await recover(file, shape, new Stage().reconciler, () => 1000, second.log))(1000);
  assert.deepEqual(toSnapshot(anew), toSnapshot(initial(shape, 1000)));
  assert.equal(second.lines.length, 1);
  assert.match(second.lines[0]!, /^warn STATE_DAMAGED state file not used, because saved judge state: .*; kept as .*set-aside$/);
  assert.ok(existsSync(`${path}.set-aside`) && !existsSync(path));
});

test('the time without an agent counts for the age of verdicts, however long the start takes', async () => {
  const { file } = place();
  const { state } = play(shape, { cell: (_, j) => (t) => (j === 2 && t > 9000 ? 'refused' : 'ok') }, 20_000);
  const before = verdicts(state);
  assert.deepEqual(
    before.map((v) => [v.verdict, v.rs]),
    [['RS_DOWN', '10.0.0.2:80']],
  );
  const t = state.clock.now;
  await file.save(() => ({ t, judge: toSnapshot(state), applied: { version: 1, applied: [] } }));
  const takeUp = await recover(file, shape, new Stage().reconciler, () => t + 60_000, memoryLog().log);
  for (const now of [t + 60_000, t + 300_000]) {
    const [kept] = verdicts(takeUp(now));
    assert.ok(Math.abs(kept!.since - before[0]!.since) <= 1, `${kept!.since} was ${before[0]!.since}`);
    assert.deepEqual([kept!.verdict, kept!.cause, kept!.rs], ['RS_DOWN', 'refused', '10.0.0.2:80']);
  }
});

test('a state that takes long to write is written by a thread: the same file, and the last save is not left to it', async () => {
  const { file, reported } = place();
  const services = `[{name: web, vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:80', '10.1.0.2:80']}]`;
  const plan = planOf(`nics: [{name: eth0}, {name: eth1}]\nservices: ${services}\n`);
  const world = topologyOf(plan);
  const dead: Fault = {
    cell: (nic, server) => (t) => (t > 5000 && server === 1 ? 'refused' : nic === 0 && t > 9000 ? 'timeout' : 'ok'),
  };
  const { state } = play(world, dead, 20_000);
  // Ages are those of the last pass, however much later it is saved.
  const t = state.clock.now;
  let now = t + 70;
  const { reconciler } = new Stage();
  const parts = { file, loop: { state }, plans: { bytes: packPlan(plan) }, reconciler, clock: () => now++ };
  const threaded = mock.method(SaveThread.prototype, 'save');
  const keeper = new Keeper({ ...parts, quickMs: -1 });
  const written = async () => (await file.load()).state;
  await keeper.save();
  assert.deepEqual(await written(), { t, judge: plain(toSnapshot(state)), applied: plain(reconciler.toJSON()) });
  for (let k = 0; k < 3; k++) {
    state.servers.at[0]! -= 1; // another state each time
    await keeper.save();
    assert.deepEqual(await written(), { t, judge: plain(toSnapshot(state)), applied: plain(reconciler.toJSON()) });
  }
  assert.deepEqual(verdictNames(fromSnapshot(world, (await written())!.judge, 20_000)), verdictNames(state));
  await keeper.stop();
  assert.equal((await written())!.t, t);
  assert.equal(threaded.mock.callCount(), 3);
  threaded.mock.restore();
  assert.deepEqual(reported, []);
});
