import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Recorder, Recording } from '../../src/daemon/recorder.ts';
import { EvidenceReader } from '../../src/judge/evidence.ts';
import { type Facts, newBatch } from '../../src/model/facts.ts';
import { topology } from '../judge/world.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-recorder-'));
after(() => rmSync(dir, { recursive: true }));

const world = topology({ nics: 2, servers: 3 });

/** `count` results, and a link change. */
function factsOf(count: number, t = 1000): Facts {
  const results = newBatch(Math.max(count, 1));
  results.count = count;
  for (let k = 0; k < count; k++) {
    results.nic[k] = k % 2;
    results.target[k] = k % 3;
    results.t[k] = t + k;
  }
  return { results, links: [{ t, nic: 1, carrier: 0 }], dataplane: [] };
}

const never = (message: string) => assert.fail(message);

test('a header when the topology changes, then one line per observation, readable again', async () => {
  const path = join(dir, 'a.jsonl');
  const recorder = new Recorder(path, never);
  recorder.record(factsOf(2), world);
  recorder.record(factsOf(1, 2000), world);
  recorder.record(factsOf(0, 3000), { ...world, timeoutMs: 400 });
  await recorder.close();
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const reader = new EvidenceReader();
  const read = lines.map((line) => reader.read(line)!);
  assert.deepEqual(
    read.map((e) => ('kind' in e ? `${e.kind} ${e.t}` : `header ${e.timeoutMs}`)),
    ['header 500', 'link 1000', 'result 1000', 'result 1001', 'link 2000', 'result 2000', 'header 400', 'link 3000'],
  );
});

test('a disk that does not keep up: evidence is dropped and counted, memory stays bounded, and it goes on when the disk does', async () => {
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const recorder = new Recorder(fifo, never);
  const facts = factsOf(4096);
  let records = 0;
  while (recorder.dropped === 0 && records < 200) {
    recorder.record(facts, world);
    records++;
  }
  assert.ok(records > 20 && records < 200, `${records} records until the first drop`);
  assert.equal(recorder.dropped, 4097);
  recorder.record(facts, world);
  assert.equal(recorder.dropped, 2 * 4097);

  // Now somebody reads.
  let bytes = 0;
  const handle = await open(fifo, constants.O_RDONLY);
  const reading = new Promise<void>((resolve) =>
    createReadStream('', { fd: handle.fd, autoClose: false })
      .on('data', (chunk) => (bytes += chunk.length))
      .on('end', resolve),
  );
  await recorder.close();
  await reading;
  await handle.close();
  assert.ok(bytes > 16 << 20 && bytes < 20 << 20, `${bytes} bytes kept`);
});

test('a file that cannot be written is told once; evidence is counted as dropped, and closing ends', async () => {
  const told: string[] = [];
  const recorder = new Recorder(join(dir, 'no', 'such', 'directory'), (m) => told.push(m));
  recorder.record(factsOf(3), world);
  await new Promise((resolve) => setImmediate(resolve));
  while (told.length === 0) await new Promise((resolve) => setImmediate(resolve));
  recorder.record(factsOf(3), world);
  assert.equal(recorder.dropped, 4);
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^evidence log .*no\/such\/directory: ENOENT.*; recording has ended$/);
  await recorder.close();
});

test('the recording follows the plan: same path goes on, another begins, none ends', async () => {
  const [one, two] = [join(dir, 'one'), join(dir, 'two')];
  writeFileSync(one, 'kept\n');
  const recording = new Recording(never);
  recording.follow(one);
  const first = recording.current!;
  recording.follow(one);
  assert.equal(recording.current, first);
  first.record(factsOf(0), world);
  recording.follow(two);
  assert.equal(recording.current?.path, two);
  await recording.current.close();
  recording.follow(undefined);
  assert.equal(recording.current, undefined);
  await first.close().catch(() => undefined);
  assert.match(readFileSync(one, 'utf8'), /^kept\n\{"v":1,/);
});
