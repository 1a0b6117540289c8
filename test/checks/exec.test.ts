import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, probe } from './harness.ts';

const sh = (script: string) => ({ command: ['/bin/sh', '-c', script] });
const slow = { timeout: 3000 };

test('exit 0 is good, others are bad with the code', async () => {
  assert.equal(brief(await probe('exec', sh('exit 0'), 80, slow)), 'ok run none 0');
  assert.equal(brief(await probe('exec', sh('exit 3'), 80, slow)), 'l7 run exit_code 3');
  assert.equal(brief(await probe('exec', sh('kill -9 $$'), 80, slow)), 'l7 run signal 0');
});

test('the environment tells NIC and address', async () => {
  const script = '[ "$FOURLANE_NIC $FOURLANE_DEVICE $FOURLANE_ADDRESS $FOURLANE_IP $FOURLANE_PORT" = "lo lo [::1]:80 ::1 80" ]';
  assert.equal((await probe('exec', sh(script), 80, { ...slow, ip: '::1' })).outcome, 'ok');
});

test('nothing else is in the environment, and PATH is the standard one', async () => {
  process.env['FOURLANE_TEST_SECRET'] = 'x';
  const before = process.env['PATH'];
  process.env['PATH'] = `/tmp/elsewhere:${before}`;
  const script =
    '[ "$PATH" = /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ] && [ -z "$FOURLANE_TEST_SECRET$HOME" ]';
  try {
    assert.equal(brief(await probe('exec', sh(script), 80, slow)), 'ok run none 0');
  } finally {
    process.env['PATH'] = before;
    delete process.env['FOURLANE_TEST_SECRET'];
  }
});

test('a script that prints without end is not held up by us, nor are we by it', async () => {
  const before = process.cpuUsage();
  assert.equal(brief(await probe('exec', sh('head -c 200000000 /dev/zero'), 80, slow)), 'ok run none 0');
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 500_000, `${user + system} µs`);
});

test('the time limit ends the script and its children', async () => {
  const seen = await probe('exec', sh('sleep 60 & wait'), 80, { timeout: 200 });
  assert.equal(brief(seen), 'l7 run deadline 0');
  assert.ok(seen.elapsedUs < 1_500_000, String(seen.elapsedUs));
});

test('a program that is not there is our own trouble', async () => {
  assert.equal(brief(await probe('exec', { command: ['/nonexistent/x'] }, 80, slow)), 'local_error run unsupported 0');
});
