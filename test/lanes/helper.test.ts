import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Helper, type JobEnd } from '../../src/lanes/helper.ts';
import { type FromHelper, HELPER_BEAT, HELPER_JOB, type ToHelper } from '../../src/model/messages.ts';
import type { Address, CheckProfile } from '../../src/model/plan.ts';

const profile = (more: object = {}): CheckProfile => ({ type: 'ssl', interval: 1000, timeout: 500, fall: 3, rise: 2, ...more });
const address: Address = { family: 4, ip: '127.0.0.1', port: 443 };
const result = { outcome: 0, phase: 6, cause: 0, detail: 0, rttUs: 1, elapsedUs: 2 };

/** A helper whose threads are in the test's hands. */
function stage() {
  let now = 0;
  const threads: { board: Int32Array; sent: ToHelper[]; say(m: FromHelper): void; die(): void; ended: boolean }[] = [];
  const ends: (readonly [number, JobEnd['how']])[] = [];
  const helper = new Helper({
    clock: () => now,
    ended: (job, end) => void ends.push([job, end.how]),
    certificate: () => undefined,
    patient: false,
    start: (_, say, die) => {
      const thread = { board: new Int32Array(2), sent: [] as ToHelper[], say, die, ended: false };
      threads.push(thread);
      return { board: thread.board, post: (m) => void thread.sent.push(m), end: () => void (thread.ended = true) };
    },
  });
  const run = (more?: object) => helper.run(profile(more), address, new Uint8Array(32), 500);
  const at = (t: number) => {
    now = t;
    helper.watch(t);
  };
  return { helper, threads, ends, run, at };
}
const kinds = (sent: readonly ToHelper[]) => sent.map(({ type }) => type);
const done = (job: number): FromHelper => ({ type: 'done', job, result, cpuMs: 1, lagMs: 0 });

describe('the helper of a lane', () => {
  it('is started with the first job, and gets each profile once, also after a reload', () => {
    const { threads, run } = stage();
    assert.equal(threads.length, 0);
    run();
    run();
    run({ path: '/b' });
    assert.deepEqual(kinds(threads[0]!.sent), ['profile', 'run', 'run', 'profile', 'run']);
  });

  it('reports the end of each job once, and not of those that were cancelled', () => {
    const { helper, threads, ends, run } = stage();
    const [a, b] = [run(), run()];
    helper.cancel(b);
    for (const job of [a, b, a]) threads[0]!.say(done(job));
    assert.deepEqual(ends, [[a, 'done']]);
    assert.deepEqual(kinds(threads[0]!.sent), ['profile', 'run', 'run', 'cancel']);
  });

  it('that hangs is ended: the job it is in held it, the others are lost, and another one goes on', () => {
    const { threads, ends, run, at } = stage();
    const [a, b] = [run(), run()];
    const [first] = threads;
    first!.say({ type: 'ready' });
    first!.board[HELPER_BEAT] = 1000;
    first!.board[HELPER_JOB] = b;
    at(2999);
    assert.equal(first!.ended, false);
    at(3000);
    assert.equal(first!.ended, true);
    assert.deepEqual(ends, [[a, 'lost'], [b, 'held']]); // biome-ignore format: pairs
    const c = run();
    assert.deepEqual(kinds(threads[1]!.sent), ['profile', 'run'], 'the other one has the profile as well');
    first!.say(done(c));
    first!.die();
    assert.equal(ends.length, 2, 'the ended one is not listened to');
    threads[1]!.say(done(c));
    assert.deepEqual(ends[2], [c, 'done']);
  });

  it('judges one body after the other, and not those that nobody waits for any more', () => {
    const { helper, threads, ends } = stage();
    const [a, b, c] = ['a', 'b', 'c'].map((text) => helper.examine(profile(), { body: Buffer.from(text), status: 200 }));
    const [thread] = threads;
    const asked = () => thread!.sent.flatMap((m) => (m.type === 'examine' ? [m.job] : []));
    assert.deepEqual(asked(), [a]);
    helper.cancel(b!);
    helper.cancel(a!);
    assert.deepEqual(asked(), [a], 'it is at the first one still');
    thread!.say(done(a!));
    assert.deepEqual(asked(), [a, c]);
    thread!.say(done(c!));
    assert.deepEqual(ends, [[c, 'done']]);
  });

  it('may take long to start, and be silent while it has nothing to do', () => {
    const { threads, run, at } = stage();
    const job = run();
    at(29_000);
    threads[0]!.say({ type: 'ready' });
    threads[0]!.say(done(job));
    at(90_000);
    assert.equal(threads[0]!.ended, false);
    run();
    at(91_000);
    assert.equal(threads[0]!.ended, false);
    at(93_000);
    assert.equal(threads[0]!.ended, true, 'with a job it must turn');
  });

  it('that ends by itself loses its jobs', () => {
    const { threads, ends, run } = stage();
    const job = run();
    threads[0]!.die();
    assert.deepEqual(ends, [[job, 'lost']]);
    run();
    assert.equal(threads.length, 2);
  });
});
