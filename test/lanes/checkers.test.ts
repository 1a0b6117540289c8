/** Cells that follow keepalived's checkers: when an engine probes them, and which page it asks for. The clock is the test's. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkKinds } from '../../src/checks/index.ts';
import { BatchBuilder } from '../../src/lanes/batch.ts';
import { Engine } from '../../src/lanes/engine.ts';
import { newBoard } from '../../src/model/board.ts';
import type { CheckerPace } from '../../src/model/checker.ts';
import type { FromHelper, ToHelper } from '../../src/model/messages.ts';
import { L7, LATE, OK } from '../../src/model/outcome.ts';
import type { CheckProfile } from '../../src/model/plan.ts';
import { makeBinding } from '../../src/sys/binding.ts';

const TOOK = 200;
const PACE: CheckerPace = {
  kind: 'http',
  retry: 1,
  alpha: false,
  urls: 2,
  firstMs: 0,
  delayLoop: 5000,
  delayBeforeRetry: 1000,
  warmup: 4000,
  fastRecovery: false,
};

/** Runs one cell for a while; each check takes 200 ms. @returns when which page was asked for: ms, path */
function asked(checker: CheckerPace, profile: object, outcomes: readonly number[]): (readonly [ms: number, path: unknown])[] {
  let now = 0;
  const found: (readonly [number, unknown])[] = [];
  const later: { readonly at: number; readonly say: () => void }[] = [];
  const profiles = new Map<number, CheckProfile>();
  const engine = new Engine({
    nic: 'lo',
    device: 'lo',
    binding: makeBinding('lo', undefined, false).binding,
    board: newBoard(checkKinds.length, 64),
    clock: () => now,
    cpu: () => 0,
    random: () => 0.5,
    report: () => undefined,
    helper: (_, say: (m: FromHelper) => void) => ({
      board: new Int32Array(2),
      end: () => undefined,
      post(message: ToHelper) {
        if (message.type === 'profile') profiles.set(message.profile, message.value);
        if (message.type !== 'run') return;
        const outcome = outcomes[found.length]!;
        found.push([now, profiles.get(message.profile)!['path']]);
        const result = { outcome, phase: 3, cause: 0, detail: 0, rttUs: 100, elapsedUs: 200 };
        later.push({ at: now + TOOK, say: () => say({ type: 'done', job: message.job, result, cpuMs: 1, lagMs: 0 }) });
      },
    }),
  });
  const batch = new BatchBuilder('lo');
  const whole = { headers: {}, interval: 5000, timeout: 4000, fall: 2, rise: 1, checker, ...profile } as unknown as CheckProfile;
  batch.add(0, 1, whole, { family: 4, ip: '127.0.0.1', port: 443 });
  engine.update(batch.build(), new Int32Array(0));
  for (; found.length < outcomes.length && now < 100_000; now += 5) {
    engine.tick();
    while (later[0] !== undefined && later[0].at <= now) later.shift()!.say();
  }
  engine.close();
  return found;
}

/** Seconds between the end of each check and the beginning of the next, the first since the start. */
const pauses = (found: readonly (readonly [number, unknown])[]) =>
  found.map(([ms], k) => Math.round((k === 0 ? ms : ms - found[k - 1]![0] - TOOK) / 100) / 10);

it('a page at a time, from the end of one check to the beginning of the next; the one that failed again', () => {
  const pages = { type: 'ssl', path: '/', urls: [{ path: '/a' }, { path: '/b' }] };
  const found = asked(PACE, pages, [OK, OK, OK, L7, L7, L7, OK, OK, OK, OK]);
  assert.equal(found.map(([, path]) => path).join(' '), '/a /b /a /b /b /b /b /a /b /a');
  assert.deepEqual(pauses(found), [3, 5, 5, 5, 1, 5, 5, 5, 5, 5]);
});

it('a script from beginning to beginning; what says nothing of the service is asked for again soon', () => {
  const script = { type: 'exec', command: ['/bin/true'] };
  const found = asked({ ...PACE, kind: 'misc', urls: 1 }, script, [OK, OK, L7, LATE, LATE, L7, OK]);
  // A late one is made once more by the patient helper.
  assert.deepEqual(pauses(found), [3, 4.8, 4.8, 0.8, 0, 1, 4.8]);
});

it('without a warmup a second after the start, and soon again while it is up', () => {
  const plain = { ...PACE, kind: 'tcp', urls: 1, warmup: 0 } as const;
  const found = asked(plain, { type: 'ssl', path: '/' }, [OK, L7, L7, L7, L7, OK]);
  assert.deepEqual(pauses(found), [1, 5, 1, 5, 1, 5]);
});
