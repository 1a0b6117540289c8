/** How late the helper's thread was during a job: what the lane asks before it believes that the job failed. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { JobRunner } from '../../src/lanes/job-runner.ts';
import type { CheckProfile } from '../../src/model/plan.ts';
import type { FromHelper } from '../../src/model/messages.ts';

const BEAT_MS = 20;
const TIMEOUT_MS = 10_000;

/**
 * Runs a script in a thread whose clock is ours; `live` moves it while the script runs.
 * @returns what the lane is told of lag, ms
 */
async function lagOf(live: (until: (ms: number) => void) => void): Promise<number> {
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    let now = 0;
    const { promise, resolve } = Promise.withResolvers<Extract<FromHelper, { type: 'done' }>>();
    const runner = new JobRunner({
      nic: 'lo',
      device: 'lo',
      binding: { device: undefined, source4: undefined, source6: undefined },
      patient: false,
      board: new Int32Array(2),
      clock: () => now,
      cpu: () => 0,
      report: (message) => message.type === 'done' && resolve(message),
    });
    const value = { type: 'exec', command: ['/bin/sleep', '0.1'], timeout: TIMEOUT_MS } as unknown as CheckProfile;
    runner.take({ type: 'profile', profile: 1, value });
    const address = { family: 4, ip: '127.0.0.1', port: 80 } as const;
    runner.take({ type: 'run', job: 1, profile: 1, address, sockaddr: new Uint8Array(16), timeoutMs: TIMEOUT_MS });
    live((ms) => {
      now = ms;
      mock.timers.tick(BEAT_MS);
    });
    const { lagMs } = await promise;
    return lagMs;
  } finally {
    mock.timers.reset();
  }
}

test('what the thread is late while the job has time counts', async () => {
  assert.equal(await lagOf((until) => [20, 520, 540].forEach(until)), 480);
});

test('what it is late after the time of the job does not: a script that ignores SIGTERM ends two seconds later', async () => {
  const lag = await lagOf((until) => {
    for (let ms = BEAT_MS; ms <= TIMEOUT_MS; ms += BEAT_MS) until(ms);
    [13_000, 16_000].forEach(until);
  });
  assert.equal(lag, 0);
});

test('nor does it hide what was late before', async () => {
  assert.equal(await lagOf((until) => [20, 320, TIMEOUT_MS, 13_000].forEach(until)), 280 + (TIMEOUT_MS - 340));
});
