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

test('the time limit ends the script and its children', async () => {
  const seen = await probe('exec', sh('sleep 60 & wait'), 80, { timeout: 200 });
  assert.equal(brief(seen), 'l7 run deadline 0');
  assert.ok(seen.elapsedUs < 1_500_000, String(seen.elapsedUs));
});

test('a program that is not there is our own trouble', async () => {
  assert.equal(brief(await probe('exec', { command: ['/nonexistent/x'] }, 80, slow)), 'local_error run unsupported 0');
});
