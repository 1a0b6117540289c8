/** What an engine makes of what its helpers report. The helpers and the clock are the test's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkKinds } from '../../src/checks/index.ts';
import { BatchBuilder } from '../../src/lanes/batch.ts';
import { Engine } from '../../src/lanes/engine.ts';
import { drain, newBoard } from '../../src/model/board.ts';
import type { FromHelper, Held, ToHelper } from '../../src/model/messages.ts';
import { CAUSES, L7, LATE, OK, OUTCOMES } from '../../src/model/outcome.ts';
import type { CheckProfile } from '../../src/model/plan.ts';
import { makeBinding } from '../../src/sys/binding.ts';

const INTERVAL = 1000;
const profile: CheckProfile = { type: 'ssl', path: '/', headers: {}, interval: INTERVAL, timeout: 400, fall: 1, rise: 1 };
type Answer = { readonly outcome?: number; readonly cpuMs?: number; readonly lagMs?: number };

/** Some cells, and helpers that answer each job at once with what `answer` gives; undefined = never. */
function stage(answer: (patient: boolean, k: number) => Answer | undefined, cells = [0]) {
  let now = 1000;
  const jobs: ('steady' | 'patient')[] = [];
  const held: Held[] = [];
  const later: (() => void)[] = [];
  const board = newBoard(checkKinds.length, 64);
  const engine = new Engine({
    nic: 'lo',
    device: 'lo',
    binding: makeBinding('lo', undefined, false).binding,
    board,
    clock: () => now,
    cpu: () => 0,
    random: () => 0.5,
    report: (message) => void (message.type === 'held' && held.push(message.held)),
    helper: (patient, say: (m: FromHelper) => void) => ({
      board: new Int32Array(2),
      end: () => undefined,
      post: (message: ToHelper) => {
        if (message.type !== 'run') return;
        jobs.push(patient ? 'patient' : 'steady');
        const given = answer(patient, jobs.length);
        if (!given) return;
        const { outcome = OK, cpuMs = 1, lagMs = 0 } = given;
        const result = { outcome, phase: 3, cause: 0, detail: 0, rttUs: 100, elapsedUs: 200 };
        later.push(() => say({ type: 'done', job: message.job, result, cpuMs, lagMs }));
      },
    }),
  });
  const batch = new BatchBuilder('lo');
  for (const cell of cells) batch.add(cell, 1, profile, { family: 4, ip: '127.0.0.1', port: 443 });
  /** One turn, and then what the helpers answer. What the lane found, in words. */
  const turn = () => {
    const found: string[] = [];
    engine.tick();
    for (const say of later.splice(0)) say();
    drain(board, (e) => void found.push(`${OUTCOMES[e.outcome]} ${CAUSES[e.cause]}`));
    return found;
  };
  /** Lets time pass; what the lane found meanwhile. */
  const pass = (ms: number) => {
    const found: string[] = [];
    for (const end = now + ms; now < end; now += 5) found.push(...turn());
    return found;
  };
  const spend = (ms: number) => void (now += ms);
  const start = (quarantine: readonly Held[] = []) => engine.update(batch.build(), new Int32Array(0), quarantine);
  return { engine, jobs, held, pass, turn, spend, start, now: () => now };
}

describe('an engine and its helpers', () => {
  it('takes what they report', () => {
    const { jobs, pass, start } = stage((_, k) => ({ outcome: k === 2 ? L7 : OK }));
    start();
    assert.deepEqual(pass(2.5 * INTERVAL).slice(0, 3), ['ok none', 'l7 none', 'ok none']);
    assert.ok(jobs.every((job) => job === 'steady'));
  });

  it('does not believe a bad result of a helper that was late, but a good one', () => {
    const { pass, start } = stage((_, k) => ({ outcome: k === 1 ? L7 : OK, lagMs: 200 }));
    start();
    assert.deepEqual(pass(1.5 * INTERVAL), ['late late', 'ok none']);
  });

  it('gives a check that turns out long to the patient helper, in the same probe, and from then on', () => {
    const { jobs, pass, start } = stage((patient) => ({ outcome: patient ? OK : LATE, lagMs: patient ? 0 : 300 }));
    start();
    assert.deepEqual(pass(1.5 * INTERVAL), ['ok none', 'ok none']);
    assert.deepEqual(jobs, ['steady', 'patient', 'patient']);
  });

  it('gives a check that took much CPU to the patient helper from then on', () => {
    const { held, jobs, pass, start } = stage(() => ({ cpuMs: 30 }));
    start();
    pass(2.5 * INTERVAL);
    assert.deepEqual(jobs, ['steady', 'patient', 'patient']);
    assert.deepEqual(held, []);
  });

  it('puts a cell into quarantine that took far too much: unknown, not bad, and no job until it is over', () => {
    const { held, jobs, pass, start } = stage((_, k) => (k === 1 ? { outcome: L7, cpuMs: 500 } : {}));
    start();
    const found = pass(10 * INTERVAL);
    assert.deepEqual(new Set(found), new Set(['local_error quarantined']));
    assert.equal(jobs.length, 1);
    assert.equal(held.length, 1);
    assert.ok(pass(2 * INTERVAL).includes('ok none'));
  });

  it('puts a cell into quarantine that takes too much again and again', () => {
    const { held, jobs, pass, start } = stage(() => ({ cpuMs: 60 }));
    start();
    pass(4 * INTERVAL);
    assert.equal(held.length, 1);
    assert.equal(jobs.length, 3);
  });

  it('goes on with the quarantine of an earlier thread', () => {
    const { jobs, pass, start, now } = stage(() => ({}));
    start([{ cell: 0, generation: 1, holds: 1, until: now() + 3000 }]);
    assert.deepEqual(new Set(pass(2900)), new Set(['local_error quarantined']));
    assert.equal(jobs.length, 0);
    assert.ok(pass(1500).includes('ok none'));
  });

  it('ends a probe whose helper does not answer as late, and starts the next one', () => {
    const { jobs, pass, start } = stage((_, k) => (k === 1 ? undefined : {}));
    start();
    assert.deepEqual(pass(3 * INTERVAL).slice(0, 2), ['late late', 'ok none']);
    assert.ok(jobs.length >= 2);
  });
});

describe('a turn in which time passes', () => {
  // Due 1.9 ms after cell 0, and 399 ms after it: a cell's phase is its number's.
  const SOON = 233;
  const LATER = 499;

  it('starts what becomes due meanwhile', () => {
    const { jobs, spend, start, turn } = stage(() => spend(2), [0, SOON]);
    start();
    turn();
    assert.equal(jobs.length, 2);
  });

  it('leaves it for the next turn when it took long: that may be a stall', () => {
    const { jobs, spend, start, turn } = stage(() => spend(4), [0, SOON]);
    start();
    turn();
    assert.equal(jobs.length, 1);
    turn();
    assert.equal(jobs.length, 2);
  });

  it('ends nothing whose deadline comes meanwhile before the answers are taken', () => {
    const answers: (() => Answer | undefined)[] = [() => undefined, () => ({}), () => spend(2)];
    const { jobs, now, pass, spend, start, turn } = stage((_, k) => answers[k - 1]!(), [0, LATER]);
    start();
    pass(1.4 * INTERVAL - 1);
    assert.equal(now(), 2400);
    spend(-1);
    assert.deepEqual([turn(), now(), jobs.length], [[], 2401, 3]);
    assert.deepEqual(turn(), ['late late']);
  });
});
