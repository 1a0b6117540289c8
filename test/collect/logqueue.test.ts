import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import fc from 'fast-check';
import { logqueue } from '../../src/collect/logqueue.ts';
import { DpvsLog } from '../../src/collect/logqueue/dpvs-log.ts';
import { LogFile } from '../../src/collect/logqueue/log-file.ts';
import { LineSplitter } from '../../src/sys/line-splitter.ts';
import type { Ending } from '../../src/sys/tail.ts';
import { Collecting, FakeProcess, runtimeDirectory } from './dpdk.fake.ts';

const INFO = '/tdlb/log/info,tdlb_log';
const recorded = readFileSync(new URL('../fixtures/dpvs-log/async-on-info.log', import.meta.url));
const scenario = readFileSync(new URL('../fixtures/dpdk-telemetry/slow-log-writer.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { step: string; request: string; response_raw: string });

interface Info {
  used_count: number;
  writer_lag_ns: number;
  enqueued: number[];
  dropped_full: number[];
  dropped_nobuf: number[];
  written: number;
  lcore_ids: number[];
}

/** The recorded file as the accumulator saw it after `lines` more. */
function parsed(...lines: string[]): DpvsLog {
  const log = new DpvsLog();
  log.take(new LineSplitter(8192).push(Buffer.from(lines.map((l) => `${l}\n`).join(''), 'latin1')), 0);
  return log;
}

describe('the log of DPVS', () => {
  it('is counted by the types that its lines begin with, with and without a time', () => {
    const log = parsed(recorded.toString('latin1').trimEnd());
    const printed = recorded.toString('latin1').trimEnd().split('\n');
    const dated = printed.filter((l) => /^2026-11-23 \d\d:\d\d:\d\d /.test(l));
    assert.ok(dated.length > 10);
    const count = (type: string) =>
      printed.filter((l) => l.startsWith(`${type}: `) || l.slice(20).startsWith(`${type}: `)).length;
    for (const type of ['NETIF', 'IPVS', 'SERVICE', 'ETHDEV', 'DSCHED', 'DPVS_MPOOL', 'RSS', 'IP4FRAG', 'RT6', 'CFG_FILE']) {
      assert.equal(log.lines.get(type), count(type), type);
      assert.ok(count(type) > 0, type);
    }
    assert.equal(
      [...log.lines.values()].reduce((a, b) => a + b),
      printed.length,
      'each line is of one type',
    );
    assert.equal(log.lines.get('slow_mode'), 0);
    assert.deepEqual(
      [...log.lines.keys()].filter((t) => !/^[A-Z]/.test(t)),
      ['slow_mode', 'other'],
    );
  });

  it('shows slow mode by lines of function and number alone', () => {
    const slow = parsed('2026-11-23 04:45:01 dp_vs_conn_new:812', 'netif_port_start:4', 'ipv6_rcv:33');
    assert.equal(slow.lines.get('slow_mode'), 3);
    assert.equal(slow.slowModeSeen, 0);
    const not = ['IPVS: x:1', 'NETIF:12', 'a b:12', 'func:', 'func:12 ', 'func:1234567', ':12', '04:45:01', 'RSS: 1', '1func:3'];
    assert.equal(parsed(...not).lines.get('slow_mode'), 0);
  });

  it('tells slow loops of each core, and the longest since DPVS started', () => {
    const log = parsed(
      '2026-11-23 04:45:01 DSCHED: update longest_lcore_loop[3] = 812 (<- 640)',
      'DSCHED: lcore[3] loop over 100 usecs (actual=812, max=812):',
      'recv_fwd=790 xmit=12 timer_manage=4 ',
      'DSCHED: lcore[3] loop over 100 usecs (actual=120, max=812):',
      'DSCHED: lcore[0] loop over 2000 usecs (actual=2400, max=2400):',
      'DSCHED: update longest_lcore_loop[12] = 90 (<- 80)',
    );
    assert.deepEqual(Object.fromEntries(log.lines), { slow_mode: 0, DSCHED: 6 }, 'its second line is of the same type');
    assert.deepEqual(
      Object.fromEntries(
        parsed('recv_fwd=790 xmit=12 ', 'DSCHED: lcore[3] loop over 100 usecs (actual=120, max=812):', 'IPVS: a=1', 'b=2').lines,
      ),
      { slow_mode: 0, other: 2, DSCHED: 1, IPVS: 1 },
      'and only there',
    );
    assert.deepEqual(Object.fromEntries(log.cores), {
      3: { slow: 2, maxUs: 812 },
      0: { slow: 1, maxUs: 2400 },
      12: { slow: 0, maxUs: 90 },
    });
    log.take({ lines: ['DSCHED: lcore 03 enter lcre_role_fwd_worker loop'], invalid: 0, cut: 0 }, 0);
    assert.deepEqual(log.cores.get('3'), { slow: 2, maxUs: undefined }, 'started anew: the counter goes on');
  });

  it('holds a bounded number of types and cores, whatever is in the file', () => {
    const log = parsed(
      ...Array.from({ length: 500 }, (_, i) => `TYPE${i}: text`),
      ...Array.from({ length: 3000 }, (_, i) => `DSCHED: update longest_lcore_loop[${i}] = 1 (<- 0)`),
    );
    assert.ok(log.lines.size <= 65);
    assert.equal(log.cores.size, 1024);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('DSCHED: lcore[', 'DSCHED: lcore 99 enter x loop')), { maxLength: 20 }),
        (lines) => {
          const total = lines.join('\n').split('\n').length;
          const sum = [...parsed(lines.join('\n')).lines.values()].reduce((a, b) => a + b);
          assert.equal(sum, total);
        },
      ),
    );
  });
});

describe('a log file on a file system that hangs', () => {
  afterEach(() => mock.timers.reset());
  it('is not waited for, not asked again before it has answered, and not at the end', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const hung = Promise.withResolvers<Ending>();
    let reads = 0;
    const file = new LogFile('/mnt/dpvs.log', () => 0, {
      counts: { bytes: 7, skippedBytes: 0, renamed: 0, truncated: 0 },
      read: () => {
        reads++;
        return hung.promise;
      },
      close: () => hung.promise.then(() => undefined),
    });
    for (let i = 0; i < 3; i++) {
      const reading = file.read();
      mock.timers.tick(2000);
      await assert.rejects(reading, { message: 'cannot read /mnt/dpvs.log: its file system does not answer (EIO)' });
    }
    assert.equal(reads, 1);
    await file.close();
    hung.resolve('end');
    assert.equal((await file.read())?.bytes, 7);
  });
});

describe('logqueue', () => {
  let run: ReturnType<typeof runtimeDirectory>;
  let file: string;
  let collecting: Collecting;
  const open: { close(): unknown }[] = [];
  const processOf = (recording: string, prefix = 'lb') => {
    const process = new FakeProcess(run.path, prefix, recording);
    open.push(process.server);
    return process;
  };
  const value = (name: string, ...labels: string[]) => collecting.value(name, ...labels);
  beforeEach(() => {
    run = runtimeDirectory();
    file = `${run.path}/dpvs.log`;
    collecting = new Collecting({ directories: [run.path], file }, logqueue);
  });
  afterEach(async () => {
    await collecting.source.close();
    for (const one of open.splice(0)) one.close();
    run.remove();
  });

  it('is absent on a machine without log queues and without the file', async () => {
    const { state, reason } = (await collecting.read()) as { state: string; reason: string };
    assert.equal(state, 'absent');
    assert.equal(reason, `no DPDK process with a log queue in ${run.path}, and no file ${file}`);
    processOf('testpmd-25.11', 'other');
    assert.equal((await collecting.read()).state, 'absent', 'a DPDK process that logs synchronously');
    const stale = processOf('lcorelat-log-25.11', 'gone');
    stale.server.close();
    open.pop();
    assert.equal((await collecting.read()).state, 'absent', 'a socket that nobody listens at');
  });

  it('reads queue, pool, writer and cores by the commands of the application', async () => {
    const lb = processOf('lcorelat-log-25.11');
    assert.equal((await collecting.read()).state, 'data');
    const info = (JSON.parse(lb.answer(INFO)) as Record<string, Record<string, unknown>>)['/tdlb/log/info']!;
    const queue = ['lb', 'tdlb_log'];
    assert.equal(value('logqueue_up', 'lb', 'telemetry'), 1);
    assert.equal(value('log_queue_depth', ...queue), info['used_count']);
    assert.equal(value('log_queue_capacity', ...queue), 1023);
    assert.equal(value('log_queue_highest_depth', ...queue), 21);
    assert.equal(value('log_queue_pool_size', ...queue), 2047);
    assert.equal(value('log_queue_pool_available', ...queue), 2047);
    assert.equal(value('log_queue_written_total', ...queue), 12624);
    assert.equal(value('log_queue_write_batches_total', ...queue), 11011);
    assert.equal(value('log_queue_writer_lag_max_seconds', ...queue), 0.005925167);
    assert.equal(value('log_queue_last_write_timestamp_seconds', ...queue), 1795408977.856278);
    assert.equal(value('log_queue_enqueued_total', ...queue, '1'), 6405);
    assert.equal(value('log_queue_dropped_total', ...queue, '2', 'no_buffer'), 0);
    assert.equal(value('log_core_throttled', ...queue, '1'), undefined, 'not known yet');
    assert.deepEqual(
      lb.asked.filter((r) => !['/', '/tdlb/log/list', INFO].includes(r)),
      [],
    );
  });

  it('follows a queue that fills, drops and drains, exactly as the application counts (recorded)', async () => {
    const lb = processOf('lcorelat-log-25.11');
    const throttled: (number | undefined)[] = [];
    const depths: number[] = [];
    let before: Info | undefined;
    for (const { step, response_raw: raw } of scenario.filter((s) => s.request === INFO)) {
      lb.answers.set(INFO, raw);
      await collecting.read();
      const info = (JSON.parse(raw) as Record<string, Info>)['/tdlb/log/info']!;
      const queue = ['lb', 'tdlb_log'];
      for (const [c, core] of info.lcore_ids.entries()) {
        assert.equal(value('log_queue_enqueued_total', ...queue, String(core)), info.enqueued[c], step);
        assert.equal(value('log_queue_dropped_total', ...queue, String(core), 'full'), info.dropped_full[c], step);
        const dropping = before === undefined ? undefined : Number(info.dropped_full[c]! > before.dropped_full[c]!);
        assert.equal(value('log_core_throttled', ...queue, String(core)), dropping, step);
      }
      assert.equal(value('log_queue_depth', ...queue), info.used_count);
      assert.equal(value('log_queue_written_total', ...queue), info.written);
      assert.equal(value('log_queue_writer_lag_seconds', ...queue), info.writer_lag_ns / 1e9);
      before = info;
      throttled.push(value('log_core_throttled', ...queue, '1'));
      depths.push(info.used_count);
    }
    assert.deepEqual([throttled[1], throttled.includes(1), throttled.at(-1)], [0, true, 0]);
    assert.ok(depths.includes(1023) && depths.at(-1)! < 10, 'full, and recovered');
  });

  it('takes the word of an application that tells which cores it throttles', async () => {
    const lb = processOf('lcorelat-log-25.11');
    lb.change(INFO, (info: Info) => ({ ...info, throttled: [0, 1] }));
    await collecting.read();
    assert.equal(value('log_core_throttled', 'lb', 'tdlb_log', '1'), 0);
    assert.equal(value('log_core_throttled', 'lb', 'tdlb_log', '2'), 1);
  });

  it('reads ring and pool where the application has no commands of its own: DPVS', async () => {
    const dpvs = processOf('dpvs-24.11', 'rte');
    await collecting.read();
    assert.equal(value('log_queue_depth', 'rte', 'log_ring_w2'), 0);
    assert.equal(value('log_queue_capacity', 'rte', 'log_ring_w2'), 4095);
    assert.equal(value('log_queue_pool_size', 'rte', 'log_ring_w2'), 16383);
    assert.equal(value('log_queue_pool_available', 'rte', 'log_ring_w2'), 65 + 16318);
    assert.deepEqual(dpvs.asked.slice(1), [
      '/ring/list',
      '/mempool/list',
      '/mempool/info,log_msg_pool',
      '/ring/info,log_ring_w2',
    ]);
    dpvs.answers.set('/ring/info,log_ring_w2', '{"/ring/info":{}}');
    assert.equal((await collecting.read()).state, 'absent', 'the ring went away since the list was made');
  });

  it('counts on after a restart of the application', async () => {
    const first = processOf('lcorelat-log-25.11');
    await collecting.read();
    first.server.close();
    open.pop();
    const second = processOf('lcorelat-log-25.11');
    second.answers.set('', second.answer('').replace('9609', '9610'));
    second.change(INFO, (info: Info) => ({ ...info, enqueued: [7000, 10], dropped_full: [3, 0] }));
    await collecting.read();
    assert.equal(value('log_queue_enqueued_total', 'lb', 'tdlb_log', '1'), 6405 + 7000, 'also where it is higher already');
    assert.equal(value('log_queue_enqueued_total', 'lb', 'tdlb_log', '2'), 6219 + 10);
    assert.equal(value('log_core_throttled', 'lb', 'tdlb_log', '1'), undefined, 'another process: nothing to compare with');
  });

  it('follows the log file: types, slow mode for 10 minutes, slow loops, what is not UTF-8, rotations', async () => {
    writeFileSync(file, recorded);
    assert.equal((await collecting.read()).state, 'data');
    assert.equal(value('log_bytes_total', 'dpvs'), 0, 'what was there is not counted');
    appendFileSync(file, recorded);
    appendFileSync(file, Buffer.from('IPVS: \xff\n2026-11-23 04:50:00 dp_vs_conn_new:812\n', 'latin1'));
    appendFileSync(file, 'DSCHED: lcore[3] loop over 100 usecs (actual=812, max=812):\nrecv_fwd=790 xmit=12 \n');
    await collecting.read();
    const inFile = parsed(recorded.toString('latin1').trimEnd());
    assert.equal(value('log_lines_total', 'dpvs', 'NETIF'), inFile.lines.get('NETIF'));
    assert.equal(value('log_lines_total', 'dpvs', 'IPVS'), inFile.lines.get('IPVS')! + 1);
    assert.equal(value('log_lines_total', 'dpvs', 'slow_mode'), 1);
    assert.equal(value('log_invalid_lines_total', 'dpvs'), 1);
    assert.equal(value('log_slow_mode', 'dpvs'), 1);
    assert.equal(value('core_slow_loops_total', 'dpvs', '3'), 1);
    assert.equal(value('core_slow_loop_max_seconds', 'dpvs', '3'), 0.000812);
    renameSync(file, `${file}.1`);
    writeFileSync(file, 'NETIF: new\n');
    collecting.now += 590_000;
    await collecting.read();
    assert.equal(value('log_lines_total', 'dpvs', 'NETIF'), inFile.lines.get('NETIF')! + 1);
    assert.equal(value('log_rotations_total', 'dpvs', 'renamed'), 1);
    assert.equal(value('log_slow_mode', 'dpvs'), 1);
    collecting.now += 10_000;
    await collecting.read();
    assert.equal(value('log_slow_mode', 'dpvs'), 0);
    writeFileSync(file, '');
    await collecting.read();
    assert.equal(value('log_rotations_total', 'dpvs', 'truncated'), 1);
  });

  it('one process has one label: the log file has that of the only process with a log queue', async () => {
    writeFileSync(file, '');
    await collecting.read();
    assert.equal(value('logqueue_up', 'dpvs', 'file'), 1, 'none is known yet');
    processOf('dpvs-24.11', 'rte');
    await collecting.read();
    assert.deepEqual([value('logqueue_up', 'rte', 'telemetry'), value('logqueue_up', 'rte', 'file')], [1, 1]);
    assert.equal(value('logqueue_up', 'dpvs', 'file'), undefined);
    open.pop()!.close();
    await collecting.read();
    assert.equal(value('logqueue_up', 'rte', 'file'), 1, 'also while it is down');
    processOf('lcorelat-log-25.11', 'one');
    processOf('lcorelat-log-25.11', 'two');
    await collecting.read();
    assert.equal(value('logqueue_up', 'rte', 'file'), 1, 'whose file it is can not be known of several');
  });

  it('shows what can be read when something can not, and says it once', async () => {
    mkdirSync(file);
    processOf('lcorelat-log-25.11');
    const liar = processOf('lcorelat-log-25.11', 'liar');
    liar.change(INFO, (info: Info) => ({ ...info, enqueued: [1] }));
    await collecting.read();
    await collecting.read();
    assert.equal(value('logqueue_up', 'lb', 'telemetry'), 1);
    assert.equal(value('logqueue_up', 'liar', 'telemetry'), 0);
    assert.equal(value('logqueue_up', 'dpvs', 'file'), 0);
    assert.equal(collecting.logged.length, 1);
    assert.match(
      collecting.logged[0]!,
      /warn collector logqueue: .*liar.*every column must be as long as lcore_ids.*cannot read .*dpvs.log: it is no regular file/,
    );
    liar.change(INFO, (info: Info) => ({ ...info, enqueued: [1, 2] }));
    await collecting.read();
    assert.equal(value('logqueue_up', 'liar', 'telemetry'), 1);
  });

  it('fails when nothing can be read, with every reason', async () => {
    mkdirSync(file);
    const reading = await collecting.read();
    assert.deepEqual(reading, { state: 'failed', reason: `cannot read ${file}: it is no regular file (EINVAL)` });
  });

  it('gives up a process that does not answer, and reads the others and the file', async () => {
    writeFileSync(file, '');
    processOf('lcorelat-log-25.11');
    const hung = processOf('lcorelat-log-25.11', 'hung');
    hung.reply = () => undefined;
    await collecting.read();
    assert.equal(value('logqueue_up', 'hung', 'telemetry'), 0);
    assert.equal(value('logqueue_up', 'lb', 'telemetry'), 1);
    assert.equal(value('logqueue_up', 'dpvs', 'file'), 1);
    assert.match(collecting.logged[0]!, /hung.*does not answer/);
  });

  it('answers of any form give an error and nothing else', async () => {
    const lb = processOf('lcorelat-log-25.11');
    const good = JSON.parse(lb.answer(INFO)) as Record<string, Record<string, unknown>>;
    const keys = Object.keys(good['/tdlb/log/info']!);
    const odd = fc.oneof(fc.constantFrom(-1, 1.5, '7', null, [], {}, [1, 2, 3], ['a'], 2 ** 70, true), fc.string());
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), odd, async (key, wrong) => {
        lb.answers.set(INFO, JSON.stringify({ '/tdlb/log/info': { ...good['/tdlb/log/info'], [key]: wrong } }));
        const reading = await collecting.read();
        // A column of the right length and form is no error.
        if (reading.state === 'data') return;
        assert.equal(reading.state, 'failed');
        assert.match(reading.reason, new RegExp(`log/info,tdlb_log: ${key}|every column must be|answered`));
      }),
      { numRuns: 60 },
    );
  });
});
