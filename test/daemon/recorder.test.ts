import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, {
  constants,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RecordedPass, Recorder, Recording, type Start } from '../../src/daemon/recorder.ts';
import { EvidenceReader } from '../../src/judge/evidence/reader.ts';
import { initial } from '../../src/judge/judge.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { linkFact, newBatch } from '../../src/model/facts.ts';
import { topology } from '../judge/world.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-recorder-'));
after(() => rmSync(dir, { recursive: true }));

const world = topology({ nics: 2, servers: 3 });
const start: Start = { from: 'state' };
const state = initial(world, 500);

/** A pass with `count` results, and a link change. */
function passOf(count: number, now = 1000): RecordedPass {
  const results = newBatch(Math.max(count, 1));
  results.count = count;
  for (let k = 0; k < count; k++) {
    results.nic[k] = k % 2;
    results.target[k] = k % 3;
    results.t[k] = now - k;
  }
  return { start, state, facts: { results, observations: [linkFact(1, 0, now)] }, now };
}

const never = (message: string) => assert.fail(message);
const linesOf = (path: string) => readFileSync(path, 'utf8').trim().split('\n');

/** What the lines of a log are, in short; and what its reader noticed. */
function shortly(path: string): { entries: string[]; noticed: string[] } {
  const noticed: string[] = [];
  const reader = new EvidenceReader((message) => noticed.push(message));
  const entries = linesOf(path).flatMap((line) => {
    const entry = reader.read(line);
    if (entry?.kind === 'header') return [`header ${entry.origin?.from} ${entry.topology.timeoutMs}`];
    return entry === undefined ? [] : [`${entry.kind} ${entry.t}`];
  });
  return { entries, noticed };
}

test('a header when the world changes, then one line per fact and one per pass, readable again', async () => {
  const path = join(dir, 'a.jsonl');
  const recorder = new Recorder(path, never);
  recorder.record(passOf(2));
  recorder.record(passOf(1, 2000));
  const reloaded: Start = { from: 'reload', t: 2500, after: start };
  const next = retopologise(initial(world, 500), { ...world, timeoutMs: 400 }, 2500);
  recorder.record({ ...passOf(0, 3000), start: reloaded, state: next });
  await recorder.close();
  assert.equal(
    shortly(path).entries.join(', '),
    'header state 500, link 1000, result 1000, result 999, pass 1000, ' +
      'link 2000, result 2000, pass 2000, header reload 400, link 3000, pass 3000',
  );
});

test('a log that its writer left in the middle of a line is gone on with, on a line of its own', async () => {
  const path = join(dir, 'torn.jsonl');
  const first = new Recorder(path, never);
  first.record(passOf(1));
  await first.close();
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, whole.slice(0, -7));
  const second = new Recorder(path, never);
  second.record(passOf(0, 20));
  await second.close();
  const { entries, noticed } = shortly(path);
  assert.deepEqual(entries.slice(-3), ['header state 500', 'link 20', 'pass 20']);
  assert.match(noticed.join(), /^line 5: half a line before it was passed over/);
});

test('a disk that does not keep up: evidence is dropped and counted, memory is bounded; later it goes on', async () => {
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  // A FIFO stands in for the slow disk; the recorder itself opens none.
  const recorder = new Recorder(fifo, never, (path, _flags, _mode, opened) => fs.open(path, 'a', opened));
  const pass = passOf(4096);
  let records = 0;
  while (recorder.dropped === 0 && records < 200) {
    recorder.record(pass);
    records++;
  }
  assert.ok(records > 20 && records < 200, `${records} records until the first drop`);
  assert.equal(recorder.dropped, 4097);
  recorder.record(pass);
  assert.equal(recorder.dropped, 2 * 4097);

  // Now somebody reads.
  let text = '';
  let bytes = 0;
  const handle = await open(fifo, constants.O_RDONLY);
  const reading = new Promise<void>((resolve) =>
    createReadStream('', { fd: handle.fd, autoClose: false })
      .on('data', (chunk) => {
        bytes += chunk.length;
        text = (text + String(chunk)).slice(-1_000_000);
      })
      .on('end', resolve),
  );
  for (let dropped = -1; dropped !== recorder.dropped; await new Promise((resolve) => setImmediate(resolve))) {
    dropped = recorder.dropped;
    recorder.record(passOf(1, 5000));
  }
  await recorder.close();
  await reading;
  await handle.close();
  assert.ok(bytes > 16 << 20 && bytes < 20 << 20, `${bytes} bytes kept`);
  const last = text.trim().split('\n').slice(-4);
  assert.match(last[0]!, /^\{"v":2,"from":"state","t":500,"state":/, 'after a gap the whole state again');
  assert.equal(last[3], '{"pass":5000}');
});

test('a file that cannot be written is reported once and tried again; evidence is counted as dropped', async () => {
  const told: string[] = [];
  const parent = join(dir, 'no');
  const recorder = new Recorder(join(parent, 'such'), (m) => told.push(m));
  const turns = async () => {
    for (let k = 0; k < 20; k++) await sleep(1);
  };
  recorder.record(passOf(3));
  while (told.length === 0) await turns();
  recorder.record(passOf(3, 2000));
  assert.equal(recorder.dropped, 4);
  recorder.record(passOf(3, 11_000)); // tried again, and it fails for the same reason
  await turns();
  recorder.record(passOf(3, 12_000));
  assert.equal(recorder.dropped, 8);
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^evidence log .*no\/such: ENOENT.*; it is tried again every 10 s$/);

  mkdirSync(parent);
  recorder.record(passOf(1, 30_000));
  await recorder.close();
  assert.deepEqual(shortly(join(parent, 'such')).entries, ['header state 500', 'link 30000', 'result 30000', 'pass 30000']);
});

test('nothing but a regular file is written to, and nothing holds the recorder', async () => {
  const fifo = join(dir, 'other-fifo');
  execFileSync('mkfifo', [fifo]);
  const target = join(dir, 'target');
  writeFileSync(target, 'theirs\n');
  const link = join(dir, 'link');
  symlinkSync(target, link);
  for (const [path, reason] of [
    [fifo, /no regular file/],
    [link, /ELOOP/],
    [dir, /EISDIR/],
  ] as const) {
    const told: string[] = [];
    const reader = path === fifo ? await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK) : undefined;
    const recorder = new Recorder(path, (m) => told.push(m));
    recorder.record(passOf(3));
    for (let k = 0; told.length === 0; k++) {
      assert.ok(k < 2000);
      await sleep(1);
    }
    assert.match(told[0]!, reason);
    await recorder.close();
    await reader?.close();
  }
  assert.equal(readFileSync(target, 'utf8'), 'theirs\n');
});

test('the recording follows the plan: same path goes on, another begins, none ends', async () => {
  const [one, two] = [join(dir, 'one'), join(dir, 'two')];
  writeFileSync(one, 'kept\n');
  const recording = new Recording(never);
  recording.follow(one);
  const first = recording.current!;
  recording.follow(one);
  assert.equal(recording.current, first);
  first.record(passOf(0));
  recording.follow(two);
  assert.equal(recording.current?.path, two);
  await recording.current.close();
  recording.follow(undefined);
  assert.equal(recording.current, undefined);
  await first.close().catch(() => undefined);
  assert.match(readFileSync(one, 'utf8'), /^kept\n\{"v":2,/);
});
