import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Fake, TIMING } from './fake.ts';

const ON = { fake: TIMING };

describe('the runner of collectors', () => {
  let fake: Fake;
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1000 });
    fake = new Fake();
  });
  afterEach(() => mock.timers.reset());

  it('reads at its cadence and shows data, state, times and counts', async () => {
    fake.runner.apply(ON);
    assert.equal(fake.value('collector_state', 'fake', 'starting'), 1);
    await fake.pass(2100);
    assert.equal(fake.reads, 3);
    assert.equal(fake.opened, 1, 'the source is held open');
    assert.equal(fake.value('fake_depth'), 1);
    assert.equal(fake.value('collector_state', 'fake', 'data'), 1);
    assert.equal(fake.value('collector_success', 'fake'), 1);
    assert.equal(fake.value('collector_readings_total', 'fake', 'data'), 3);
    assert.ok(fake.value('collector_last_success_timestamp_seconds', 'fake')! > 3);
    assert.equal(fake.evidence.length, 3);
    assert.deepEqual(fake.logged, ['info collector fake: data']);
  });

  it('keeps the time at which something was found, counts what is found, and forgets it when it is gone', async () => {
    fake.runner.apply(ON);
    fake.answer = () => ({ state: 'data', data: 100 });
    await fake.pass(1100);
    const [first] = fake.runner.findings(9);
    assert.deepEqual(first, { finding: 'DEEP', service: 'web', realServer: '10.1.0.1:80', found: 'depth 100', since: 1050 });
    fake.answer = () => ({ state: 'data', data: 120 });
    await fake.pass(1000);
    assert.deepEqual(fake.runner.findings(9), [{ ...first, found: 'depth 120' }]);
    assert.equal(fake.value('collector_findings', 'fake', 'DEEP'), 1);
    assert.deepEqual(fake.runner.findings(0), []);
    fake.answer = () => ({ state: 'absent', reason: 'no socket' });
    await fake.pass(1000);
    assert.deepEqual(fake.runner.findings(9), []);
    fake.answer = () => ({ state: 'data', data: 1 });
    await fake.pass(1000);
    assert.deepEqual(fake.runner.findings(9), []);
    assert.equal(fake.value('collector_findings', 'fake', 'DEEP'), undefined);
  });

  it('is quiet about an absent source, looks for it at its cadence, and drops its series at once', async () => {
    fake.runner.apply(ON);
    await fake.pass(100);
    fake.answer = () => ({ state: 'absent', reason: 'no socket' });
    await fake.pass(1000);
    assert.equal(fake.value('fake_depth'), undefined);
    assert.equal(fake.value('collector_state', 'fake', 'absent'), 1);
    const { reads } = fake;
    await fake.pass(10_000);
    assert.equal(fake.reads, reads + 10, 'absence costs nothing: at its cadence');
    fake.answer = () => ({ state: 'data', data: 3 });
    await fake.pass(1000);
    assert.equal(fake.value('fake_depth'), 3);
    assert.deepEqual(fake.started, ['fake']);
    assert.deepEqual(fake.logged, [
      'info collector fake: data',
      'info collector fake: absent, no socket',
      'info collector fake: data',
    ]);
  });

  it('keeps the last good values of a failing source for staleAfter, and asks it ever more rarely', async () => {
    fake.runner.apply(ON);
    await fake.pass(100);
    fake.answer = () => Promise.reject(new Error('broken pipe'));
    await fake.pass(2000);
    assert.equal(fake.value('fake_depth'), 1);
    assert.equal(fake.value('collector_success', 'fake'), 0);
    await fake.pass(3000);
    assert.equal(fake.value('fake_depth'), undefined);
    const { reads } = fake;
    await fake.pass(120_000);
    assert.ok(fake.reads - reads <= 6, `${fake.reads - reads} readings in 120 s`);
    assert.deepEqual(fake.logged, ['info collector fake: data', 'warn collector fake: failed, broken pipe']);
    fake.answer = () => ({ state: 'data', data: 7 });
    await fake.pass(62_000);
    assert.equal(fake.value('fake_depth'), 7);
  });

  it('a failing source that has been started again is read at once, however long its pause would be', async () => {
    fake.run = 'inode 1';
    fake.runner.apply(ON);
    await fake.pass(100);
    fake.answer = () => Promise.reject(new Error('nobody listens'));
    await fake.pass(70_000);
    const { reads } = fake;
    await fake.pass(20_000);
    assert.ok(fake.reads - reads <= 1, 'long pauses by now');
    fake.answer = () => ({ state: 'data', data: 7 });
    fake.run = 'inode 2';
    await fake.pass(1100);
    assert.equal(fake.value('fake_depth'), 7);
    assert.deepEqual(fake.started, ['fake']);
    fake.run = 'inode 3';
    await fake.pass(1100);
    assert.deepEqual(fake.started, ['fake', 'fake'], 'also when no reading fell into the outage');
    await fake.pass(5000);
    assert.equal(fake.started.length, 2);
  });

  it('what states that something is there does not outlive a failed reading', async () => {
    fake.runner.apply(ON);
    await fake.pass(100);
    assert.deepEqual([fake.value('fake_up'), fake.value('fake_port_up')], [1, 1]);
    fake.answer = () => Promise.reject(new Error('nobody listens'));
    await fake.pass(1000);
    assert.deepEqual([fake.value('fake_up'), fake.value('fake_port_up'), fake.value('fake_depth')], [0, undefined, 1]);
    fake.answer = () => ({ state: 'data', data: 7 });
    await fake.pass(3000);
    assert.deepEqual([fake.value('fake_up'), fake.value('fake_port_up'), fake.value('fake_depth')], [1, 1, 7]);
  });

  it('ends a reading at its deadline and says so', async () => {
    fake.answer = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('EPIPE'))));
    fake.runner.apply(ON);
    await fake.pass(600);
    assert.deepEqual(fake.logged, ['warn collector fake: failed, no answer within 500 ms']);
  });

  it('never reads twice at once, even when a source ignores its deadline', async () => {
    let end: (() => void) | undefined;
    fake.answer = () => new Promise((resolve) => (end = () => resolve({ state: 'data', data: 2 })));
    fake.runner.apply(ON);
    await fake.pass(30_000);
    assert.equal(fake.reads, 1);
    assert.equal(fake.value('collector_state', 'fake', 'failed'), 1);
    assert.match(fake.logged[0]!, /did not end within 500 ms nor when it was told to/);
    end!();
    await fake.pass(3000);
    assert.equal(fake.reads, 2, 'asked again only when the first reading had ended');
  });

  it('takes data that cannot be published for a failure, with nothing half written', async () => {
    fake.answer = () => ({ state: 'data', data: -1 });
    fake.runner.apply(ON);
    await fake.pass(100);
    assert.equal(fake.value('fake_depth'), undefined);
    assert.deepEqual(fake.logged, ['warn collector fake: failed, a depth below zero']);
  });

  it('follows reloads: unchanged goes on, changed starts anew after the old one has ended, off is off', async () => {
    fake.runner.apply(ON);
    await fake.pass(100);
    fake.runner.apply({ fake: { ...TIMING } });
    await fake.pass(100);
    assert.deepEqual([fake.opened, fake.closed], [1, 0]);
    fake.runner.apply({ fake: { ...TIMING, interval: 2000 } });
    await fake.pass(100);
    assert.deepEqual([fake.opened, fake.closed], [2, 1]);
    fake.runner.apply({ fake: false });
    await fake.pass(100);
    assert.deepEqual([fake.opened, fake.closed], [2, 2]);
    assert.equal(fake.value('collector_state', 'fake', 'off'), 1);
    assert.equal(fake.runner.status()[0]!.state, 'off');
    const { reads } = fake;
    await fake.pass(5000);
    assert.equal(fake.reads, reads);
    await fake.runner.stop();
  });
});
