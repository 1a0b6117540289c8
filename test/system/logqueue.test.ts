/**
 * The log queue of a real DPDK application fills, drops and recovers: what fourlane tells is what the application counts. Needs
 * root.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { logqueue } from '../../src/collect/logqueue.ts';
import { runCommand } from '../../src/sys/child.ts';
import { Collecting } from '../collect/dpdk.fake.ts';
import { buildApp, DpdkProcess } from './dpdk-app.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork, run, until } from './harness.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const INFO = '/tdlb/log/info,tdlb_log';
const QUEUE = ['lb', 'tdlb_log'];

interface Info {
  readonly capacity: number;
  readonly used_count: number;
  readonly pool_avail: number;
  readonly written: number;
  readonly write_bytes: number;
  readonly writer_lag_ns: number;
  readonly lcore_ids: readonly number[];
  readonly enqueued: readonly number[];
  readonly dropped_full: readonly number[];
}

const dir = mkdtempSync(`${tmpdir()}/fourlane-logqueue-`);
const file = `${dir}/app.log`;
let collecting: Collecting;
let app: DpdkProcess;

before(async () => {
  ensure(['logrotate']);
  const program = buildApp();
  enterOwnNetwork();
  collecting = new Collecting({ file, fileSource: 'lb' }, logqueue);
  assert.equal((await collecting.read()).state, 'absent');
  app = await DpdkProcess.app(program, 'lb', file);
});
after(async () => {
  await collecting?.source.close();
  await app?.end();
  rmSync(dir, { recursive: true });
});

const value = (name: string, ...labels: string[]) => collecting.value(name, ...labels);
const info = () => app.ask<Info>(INFO);

/** Reads while the application's counters stand still, and compares every one of them. */
async function compare(): Promise<Info> {
  const found = await until('counters that stand still', 10_000, async () => {
    const first = await info();
    assert.equal((await collecting.read()).state, 'data');
    const last = await info();
    return JSON.stringify(first) === JSON.stringify(last) && first;
  });
  assert.equal(value('log_queue_depth', ...QUEUE), found.used_count);
  assert.equal(value('log_queue_capacity', ...QUEUE), found.capacity);
  assert.equal(value('log_queue_pool_available', ...QUEUE), found.pool_avail);
  assert.equal(value('log_queue_written_total', ...QUEUE), found.written);
  assert.equal(value('log_queue_written_bytes_total', ...QUEUE), found.write_bytes);
  assert.equal(value('log_queue_writer_lag_seconds', ...QUEUE), found.writer_lag_ns / 1e9);
  for (const [c, core] of found.lcore_ids.entries()) {
    assert.equal(value('log_queue_enqueued_total', ...QUEUE, String(core)), found.enqueued[c]);
    assert.equal(value('log_queue_dropped_total', ...QUEUE, String(core), 'full'), found.dropped_full[c]);
    assert.equal(value('log_queue_dropped_total', ...QUEUE, String(core), 'no_buffer'), 0);
  }
  return found;
}

const sum = (column: readonly number[]) => column.reduce((a, b) => a + b);
const throttled = () => ['1', '2'].map((core) => value('log_core_throttled', ...QUEUE, core));

test('at rest everything that was enqueued is written; the command line tells the same', { timeout: 60_000 }, async () => {
  await until('lines', 10_000, async () => (await info()).written > 1000);
  await app.set('rate', 0);
  await until('an empty queue', 10_000, async () => (await info()).used_count === 0);
  await compare();
  const found = await compare();
  assert.equal(sum(found.enqueued), found.written);
  assert.deepEqual(throttled(), [0, 0]);
  const argv = [process.execPath, PROGRAM, 'collect', 'logqueue', '--json', '--set', `file=${file}`] as const;
  const cli = await runCommand(argv, { env: {}, timeoutMs: 30_000, maxOutput: 1 << 20 });
  assert.equal(cli.exitCode, 0, cli.output);
  const [process_] = (JSON.parse(cli.output) as { processes: { source: string; queues: Record<string, unknown>[] }[] }).processes;
  assert.equal(process_?.source, 'lb');
  assert.partialDeepStrictEqual(process_.queues[0]!, { queue: 'tdlb_log', depth: 0, capacity: 1023 });
  assert.partialDeepStrictEqual(process_.queues[0]!['cores'], [
    { core: '1', enqueued: found.enqueued[0], droppedFull: found.dropped_full[0] },
    { core: '2', enqueued: found.enqueued[1], droppedFull: found.dropped_full[1] },
  ]);
});

test('behind a writer that is too slow the queue fills, and both cores drop: to the line', { timeout: 60_000 }, async (t) => {
  await app.set('writer_delay_us', 1_000_000);
  await app.set('log_every', 1);
  await app.set('rate', 20_000);
  const full = await until('drops of both cores in two readings', 20_000, async () => {
    await collecting.read();
    return throttled().every((t) => t === 1) && value('log_queue_depth', ...QUEUE)! > 900 && info();
  });
  assert.ok(full.dropped_full.every((n) => n > 0));
  await app.set('rate', 0);
  const found = await compare();
  t.diagnostic(`${found.used_count} of ${found.capacity} used, ${found.dropped_full.join(' and ')} lines dropped`);
  assert.ok(found.used_count > 900 && found.used_count <= found.capacity);
  assert.equal(sum(found.enqueued), found.written + found.used_count);
  await until('the lag of a line that waited', 10_000, async () => {
    await collecting.read();
    return value('log_queue_writer_lag_seconds', ...QUEUE)! > 0.1;
  });
});

test('and recovers: the queue is empty, nobody drops any more, the counters stay', { timeout: 60_000 }, async () => {
  const before = await info();
  await app.set('writer_delay_us', 0);
  await until('an empty queue', 10_000, async () => (await info()).used_count === 0);
  await until('no lag', 10_000, async () => (await info()).writer_lag_ns === 0);
  await compare();
  const found = await compare();
  assert.deepEqual(found.dropped_full, before.dropped_full);
  assert.equal(sum(found.enqueued), found.written);
  assert.deepEqual(throttled(), [0, 0]);
});

test('its log file, truncated by logrotate under a writer that is not in append mode, is counted to the line', {
  timeout: 60_000,
}, async (t) => {
  await app.set('rate', 5000);
  const conf = `${dir}/logrotate.conf`;
  run(`tee ${conf}`, `${file} {\n  copytruncate\n  rotate 9\n  nocompress\n}\n`);
  for (let i = 1; i <= 4; i++) {
    // Each file is read once before it is rotated, and has lines then that were not read.
    for (const more of [1500, 3000]) {
      const from = (await info()).written;
      await until('lines', 10_000, async () => (await info()).written > from + more);
      if (more === 1500) await collecting.read();
    }
    run(`logrotate -f -s ${dir}/state ${conf}`);
    await until('the rotation', 10_000, async () => {
      await collecting.read();
      return value('log_rotations_total', 'lb', 'truncated') === i;
    });
  }
  await app.set('rate', 0);
  await until('an empty queue', 10_000, async () => (await info()).used_count === 0);
  const { written } = await info();
  await app.end('SIGTERM');
  await collecting.read();
  const read = value('log_lines_total', 'lb', 'other')!;
  const kept = readdirSync(dir)
    .filter((name) => name.startsWith('app.log'))
    .flatMap((name) => readFileSync(`${dir}/${name}`, 'latin1').replaceAll('\0', '').trimEnd().split('\n'));
  assert.ok(read <= written, `${read} lines read, ${written} written`);
  assert.ok(read >= kept.length - 4, `${read} lines read, ${kept.length} in the files`);
  assert.ok(kept.length > 10_000);
  t.diagnostic(`${written} lines written, ${kept.length} in the files, ${read} read`);
});
