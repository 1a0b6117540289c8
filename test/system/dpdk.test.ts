/**
 * The dpdk collector against real DPDK: our own application, compiled here against Debian's libdpdk, and dpdk-testpmd. Needs
 * root.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TelemetryClient } from '../../src/collect/telemetry/client.ts';
import { contract } from '../../src/collect/telemetry/commands.ts';
import { Collecting } from '../collect/dpdk.fake.ts';
import { buildApp, DpdkProcess } from './dpdk-app.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork, until } from './harness.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const never = new AbortController().signal;
const dir = mkdtempSync(`${tmpdir()}/fourlane-dpdk-`);
const log = `${dir}/lcorelat.log`;
let program = '';
let app: DpdkProcess;
let testpmd: DpdkProcess | undefined;
/** Reads /var/run/dpdk, as by default. */
const collecting = new Collecting({});

before(async () => {
  ensure(['iproute2', 'prometheus']);
  program = buildApp();
  enterOwnNetwork();
  app = await DpdkProcess.app(program, 'tdlb', log);
});
after(async () => {
  await collecting.source.close();
  await testpmd?.end();
  await app?.end();
  rmSync(dir, { recursive: true });
});

async function read(): Promise<void> {
  const reading = await collecting.read();
  assert.equal(reading.state, 'data', 'reason' in reading ? reading.reason : '');
}

async function failing(): Promise<string> {
  const reading = await collecting.read();
  assert.equal(reading.state, 'failed');
  return (reading as { reason: string }).reason;
}

/** Runs `fourlane collect dpdk`. */
function command(...options: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, 'collect', 'dpdk', ...options], { encoding: 'utf8' });
}

const latencies = () => collecting.histogram('core_packet_latency_seconds', 'tdlb', '1')!;

/** Mean latency of core 1 between two of its histograms, and the share of packets that took more than 1 ms. */
function between(before: readonly number[], now: readonly number[]): { mean: number; slow: number } {
  const counts = now.slice(0, -1).map((n, i) => n - before[i]!);
  const all = counts.reduce((a, b) => a + b);
  // 64 ns << 14 is 1.05 ms.
  const slow = counts.slice(15).reduce((a, b) => a + b);
  return { mean: (now.at(-1)! - before.at(-1)!) / all, slow: slow / all };
}

/** Waits for a second of latencies that are as wanted. */
function latenciesUntil(
  what: string,
  fits: (seen: { mean: number; slow: number }) => boolean,
): Promise<{ mean: number; slow: number }> {
  return until(what, 20_000, async () => {
    await read();
    const then = latencies();
    await sleep(1000);
    await read();
    const seen = between(then, latencies());
    if (fits(seen)) return seen;
    throw new Error(JSON.stringify(seen));
  });
}

test('per-core latency histograms follow an overload, and equal what the application counts', async () => {
  const calm = await latenciesUntil('calm', ({ slow }) => slow < 0.2);
  // With a fifth of it a quick core just manages what is offered.
  await app.set('work', 100_000);
  const loaded = await latenciesUntil('overload', ({ slow, mean }) => slow > 0.9 && mean > 10 * calm.mean);
  assert.ok(collecting.value('core_packet_latency_window_max_seconds', 'tdlb', '1')! > loaded.mean);
  await app.set('work', 50);
  await latenciesUntil('calm again', ({ slow, mean }) => slow < 0.2 && mean < loaded.mean / 10);
  // Without packets, what is shown and what the application counts can be compared to the unit.
  await app.set('rate', 0);
  const counted = await until('no more packets', 5000, async () => {
    const first = await app.ask<{ samples: number; hist: number[]; sum_ns: number }>('/tdlb/lcore/latency,1');
    await sleep(100);
    const second = await app.ask<{ samples: number }>('/tdlb/lcore/latency,1');
    return first.samples === second.samples && first;
  });
  await read();
  const shown = latencies();
  assert.deepEqual(shown.slice(0, -1), counted.hist);
  assert.ok(Math.abs(shown.at(-1)! - counted.sum_ns / 1e9) < 1e-6, 'a sum of fractions');
  await app.set('rate', 200_000);
});

test('the log queue fills, drops and recovers exactly as the application counts, over the shared client', async () => {
  interface LogInfo {
    capacity: number;
    used_count: number;
    written: number;
    writer_lag_ns: number;
    enqueued: number[];
    dropped_full: number[];
    dropped_nobuf: number[];
  }
  const client = new TelemetryClient(app.path);
  const { logList, logInfo } = contract('/tdlb');
  const info = async () => (await (await client.session(never)).request(logInfo('tdlb_log'), never)).value as LogInfo;
  const sum = (column: readonly number[]) => column.reduce((a, b) => a + b);
  const dropped = (i: LogInfo) => sum(i.dropped_full) + sum(i.dropped_nobuf);
  assert.deepEqual((await (await client.session(never)).request(logList, never)).value, ['tdlb_log']);
  const calm = await info();
  await app.set('writer_delay_us', 20_000);
  const full = await until('the queue overflows', 15_000, async () => {
    const i = await info();
    return i.used_count === i.capacity && dropped(i) > dropped(calm) + 1000 && i;
  });
  assert.ok(full.writer_lag_ns > 20e6, String(full.writer_lag_ns));
  await app.set('writer_delay_us', 0);
  await app.set('rate', 0);
  const after = await until('the queue is empty', 5000, async () => {
    const i = await info();
    return i.used_count === 0 && i.writer_lag_ns === 0 && i;
  });
  assert.equal(sum(after.enqueued), after.written, 'nothing is lost but what was counted as dropped');
  assert.ok(dropped(after) >= dropped(full));
  const packets = [1, 2].map((core) => app.ask<{ samples: number }>(`/tdlb/lcore/latency,${core}`));
  const records = sum((await Promise.all(packets)).map((p) => Math.ceil(p.samples / 64)));
  assert.equal(sum(after.enqueued) + dropped(after), records, 'each 64th packet of a core makes a record');
  await app.set('rate', 200_000);
  client.close();
});

test('session synchronisation: sessions, peers, drops to the unit, a full synchronisation', async () => {
  const sync = (name: string, ...labels: string[]) => collecting.value(`session_sync_${name}`, 'tdlb', ...labels);
  await read();
  assert.equal(sync('enabled'), 1);
  assert.deepEqual([sync('sessions', '3', 'own'), sync('sessions', '3', 'synced')], [1000, 2000]);
  assert.deepEqual([sync('peer_state', '1', 'up'), sync('peer_state', '2', 'up')], [1, 1]);
  assert.deepEqual([sync('dropped_total', '1', 'tx_ring'), sync('dropped_total', '2', 'tx_ring')], [0, 0], 'both pages');
  const planted = {
    sync_drop_tx_ring: 17,
    sync_drop_rx_ring: 5,
    sync_drop_no_dest: 3,
    sync_lost: 9,
    sync_sent: 1234,
    sync_received: 77,
  };
  for (const [knob, count] of Object.entries(planted)) await app.set(knob, count);
  await app.set('sync_held_permille', 940);
  await app.set('sync_lag_us', 250_000);
  await app.set('sync_peer_down', 2);
  await app.set('sync_revision_differs', 1);
  await read();
  assert.deepEqual(
    ['tx_ring', 'rx_ring', 'no_dest'].map((stage) => sync('dropped_total', '1', stage)),
    [17, 5, 3],
  );
  assert.deepEqual(
    [sync('lost_messages_total', '1'), sync('entries_total', '1', 'out', 'new'), sync('entries_total', '1', 'in', 'new')],
    [9, 1234, 77],
  );
  assert.deepEqual([sync('peer_sessions', '1'), sync('peer_sessions', '2'), sync('lag_seconds', '1')], [940, 0, 0.25]);
  assert.deepEqual([sync('peer_state', '2', 'down'), sync('config_matches', '1'), sync('config_matches', '2')], [1, 0, 1]);
  assert.equal(sync('full_state', 'idle'), 1);
  await app.set('sync_full_dropped', 6);
  await app.set('sync_full_start', 1);
  await read();
  assert.equal(sync('full_state', 'receiving'), 1);
  const first = sync('full_progress_ratio', '1')!;
  assert.ok(first < 1, String(first));
  await until('the full synchronisation has ended', 10_000, async () => {
    await read();
    assert.ok(sync('full_progress_ratio', '1')! >= first || sync('full_state', 'done') === 1);
    return sync('full_state', 'done') === 1;
  });
  assert.deepEqual([sync('full_progress_ratio', '1'), sync('full_dropped_sessions', '1')], [0.994, 6]);
});

test('a core that stops looping is seen within two readings, and that it goes on', async () => {
  const stalled = () => ['1', '2'].map((core) => collecting.value('core_stalled', 'tdlb', core));
  const twice = async () => {
    for (let i = 0; i < 2; i++) {
      await sleep(500);
      await read();
    }
    return stalled();
  };
  assert.deepEqual(await twice(), [0, 0]);
  await app.set('stop_lcore', 1);
  assert.deepEqual(await twice(), [1, 0]);
  await app.set('stop_lcore', 0);
  assert.deepEqual(await twice(), [0, 0]);
  assert.ok(collecting.value('core_loop_max_seconds', 'tdlb', '1')! > 0.5);
});

test('a second process is read beside the first, its ports are evidence for the judge', async () => {
  testpmd = await DpdkProcess.testpmd('rte', ['net_ring0', 'net_null1']);
  await read();
  assert.deepEqual(
    ['tdlb', 'rte'].map((s) => collecting.value('dpdk_up', s)),
    [1, 1],
  );
  const port = () => collecting.evidence.ports?.find((p) => p.port === 'net_ring0');
  assert.deepEqual([port()?.link, port()?.rxPackets], [1, 0]);
  testpmd.type('start tx_first');
  await until('packets', 5000, async () => {
    await read();
    return Number(port()?.rxPackets) > 1000;
  });
  testpmd.type('stop');
  testpmd.type('set link-down port 0');
  await until('no link', 5000, async () => {
    await read();
    return port()?.link === 0;
  });
  assert.equal(collecting.value('dpdk_port_up', 'rte', 'net_ring0'), 0);
  assert.equal(collecting.value('dpdk_port_up', 'rte', 'net_null1'), 1);
});

test('kill -9: the process is down, others are not; started again it is read again and its counters go on', async () => {
  const loops = collecting.value('core_loops_total', 'tdlb', '2')!;
  await app.end('SIGKILL');
  assert.ok(existsSync(app.path), 'the file of its socket stays');
  await read();
  assert.deepEqual(
    ['tdlb', 'rte'].map((s) => collecting.value('dpdk_up', s)),
    [0, 1],
  );
  assert.equal(collecting.value('core_loops_total', 'tdlb', '2'), undefined);
  assert.match(collecting.logged.at(-1)!, /tdlb\/dpdk_telemetry.v2: nobody listens: the application was killed or crashed/);
  app = await DpdkProcess.app(program, 'tdlb');
  await read();
  assert.deepEqual(
    ['tdlb', 'rte'].map((s) => collecting.value('dpdk_up', s)),
    [1, 1],
  );
  assert.ok(collecting.value('core_loops_total', 'tdlb', '2')! > loops);
  const { version } = await app.ask<{ version: string }>('/info');
  assert.equal(collecting.value('dpdk_info', 'tdlb', version, String(app.pid), 'lcorelat'), 1);
  // Twice in a row, and nobody else is there.
  await testpmd!.end('SIGTERM');
  await app.end('SIGKILL');
  assert.match(await failing(), /nobody listens/);
});

test('a process that ends by itself leaves no socket: absent, for the command too', async () => {
  app = await DpdkProcess.app(program, 'tdlb', log);
  await read();
  const metrics = command('--metrics', '--set', 'xstats=["*"]');
  assert.equal(metrics.status, 0, metrics.stderr);
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: metrics.stdout, encoding: 'utf8' });
  assert.deepEqual([checked.status, checked.stdout, checked.stderr], [0, '', '']);
  await app.end('SIGTERM');
  const { state } = await collecting.read();
  assert.equal(state, 'absent');
  const none = command();
  assert.equal(none.status, 3);
  assert.match(none.stderr, /^dpdk: absent: no telemetry socket of a DPDK process in \/var\/run\/dpdk, /);
  assert.ok(readFileSync(log, 'utf8').split('\n').length > 100);
});
