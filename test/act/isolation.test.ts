/** onIsolated: begun by nothing but an isolation, held for a bounded time, given back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONNECTED, type Isolation, isolationAfter, restoredIsolation } from '../../src/act/isolation.ts';
import { resolveRules } from '../../src/model/rules.ts';
import type { Wanted } from '../../src/model/verdict.ts';
import { planOf, Stage, verdictOf, wantedOf } from './world.ts';

const RULES = resolveRules({});
const HOLD = RULES.nic_hold_down_ms;

/** Passes every 100 ms from 0 on. @returns the times in s at which it failed and was given back */
function changes(
  phases: readonly (readonly [seconds: number, frozen: Wanted['frozen']])[],
  from: Isolation = CONNECTED,
): string[] {
  let state = from;
  let now = 0;
  const seen: string[] = [];
  for (const [seconds, frozen] of phases) {
    for (const end = now + seconds * 1000; now < end; now += 100) {
      const next = isolationAfter(state, frozen, now, RULES);
      if (next.failed !== state.failed) seen.push(`${next.failed ? 'failed' : 'ok'} ${now / 1000}`);
      state = next;
    }
  }
  return seen;
}

describe('isolation', () => {
  it('begins with AGENT_ISOLATED and ends when that has been over for the hold', () => {
    assert.deepEqual(
      changes([
        [5, ''],
        [3, 'AGENT_ISOLATED'],
        [20, ''],
      ]),
      ['failed 5', 'ok 17.9'],
    );
  });

  it('is not begun by a stall, nor by real servers that all fail', () => {
    assert.deepEqual(
      changes([
        [60, 'AGENT_STALLED'],
        [60, 'ALL_RS_DOWN'],
        [5, ''],
      ]),
      [],
    );
  });

  it('ends when links or anchors answer again, whatever the real servers do', () => {
    assert.deepEqual(
      changes([
        [3, 'AGENT_ISOLATED'],
        [60, 'ALL_RS_DOWN'],
      ]),
      ['failed 0', 'ok 12.9'],
    );
  });

  it('lasts through a stall, for at most the longest hold', () => {
    assert.deepEqual(
      changes([
        [3, 'AGENT_ISOLATED'],
        [60, 'AGENT_STALLED'],
        [20, ''],
      ]),
      ['failed 0', 'ok 72.9'],
    );
    const [, given] = changes([
      [3, 'AGENT_ISOLATED'],
      [2000, 'AGENT_STALLED'],
    ]);
    assert.equal(given, `ok ${2.9 + (RULES.nic_hold_down_max_ms + HOLD - 100) / 1000}`);
  });

  it('is held twice as long after each further isolation, at most 10 minutes, and forgets them after half an hour', () => {
    const blink = [
      [1, 'AGENT_ISOLATED'],
      [25, ''],
    ] as const;
    assert.deepEqual(changes([...blink, ...blink]), ['failed 0', 'ok 10.9', 'failed 26', 'ok 46.9']);
    const many = Array.from({ length: 12 }, () => [...blink.slice(0, 1), [5, ''] as const]).flat();
    assert.deepEqual(changes([...many, [1200, '']]).slice(1), [`ok ${66 + 0.9 + RULES.nic_hold_down_max_ms / 1000}`]);
    assert.deepEqual(changes([...blink, [1800, ''], ...blink]).slice(2), ['failed 1826', 'ok 1836.9']);
  });

  it('found in place after a restart is held as if it had just ended', () => {
    assert.deepEqual(changes([[30, '']], restoredIsolation(0)), ['ok 10']);
  });
});

const PLAN = planOf(`nics: [{name: eth2, anchors: [192.0.2.1]}]
onIsolated: [{trackFile: {path: /run/agent}}]
`);
const isolated = { ...wantedOf(PLAN), frozen: 'AGENT_ISOLATED' } as const;

describe('the reconciler and onIsolated', () => {
  it('asks its actuators for failed while isolated, with the verdict behind it, and for ok after the hold', async () => {
    const stage = new Stage({ idempotent: true });
    stage.reconciler.setPlan(PLAN);
    const pass = (wanted: Wanted) =>
      stage.reconciler.isolates(wanted) &&
      stage.reconciler.pass(wanted, [
        verdictOf({ subject: 'agent', verdict: 'AGENT_ISOLATED', cause: 'none', reason: 'nothing answers' }),
      ]);
    stage.reconciler.pass(wantedOf(PLAN), []);
    assert.deepEqual(stage.calls, ['agent ok']);
    await stage.endAll();
    pass(isolated);
    const [held] = stage.held;
    assert.deepEqual([held!.effects[0]!.verdict, held!.effects[0]!.reason], ['AGENT_ISOLATED', 'nothing answers']);
    assert.deepEqual(stage.calls, ['agent failed']);
    await stage.endAll();
    assert.equal(stage.reconciler.toJSON().applied.length, 1, 'saved');
    stage.now += HOLD - 1;
    assert.equal(pass(wantedOf(PLAN)), false);
    stage.now += 1;
    pass(wantedOf(PLAN));
    assert.deepEqual(stage.calls, ['agent ok']);
    await stage.endAll();
    assert.equal(stage.reconciler.toJSON().applied.length, 0, 'at rest');
  });

  it('follows the verdict of being the ill one only while the fleet allows it', async () => {
    const stage = new Stage({ idempotent: true });
    stage.reconciler.setPlan(PLAN);
    const ill = { ...wantedOf(PLAN), frozen: 'AGENT_ILL' } as const;
    assert.equal(stage.reconciler.isolates(ill), false);
    assert.equal(stage.reconciler.isWithdrawn, false);
    stage.reconciler.allowWithdrawal(true);
    assert.equal(stage.reconciler.isolates(ill), true);
    assert.equal(stage.reconciler.isWithdrawn, true);
    stage.reconciler.allowWithdrawal(false);
    stage.now += HOLD;
    assert.equal(stage.reconciler.isolates(ill), true, 'and for the hold after that');
    assert.equal(stage.reconciler.isWithdrawn, false);
  });

  it('takes it up after a restart: held, then given back', async () => {
    const before = new Stage({ idempotent: true });
    before.reconciler.setPlan(PLAN);
    before.reconciler.pass(isolated, []);
    await before.endAll();
    const saved = JSON.parse(JSON.stringify(before.reconciler.toJSON()));

    const stage = new Stage({ idempotent: true });
    stage.reconciler.setPlan(PLAN);
    assert.equal(stage.reconciler.restore(saved), 0);
    stage.reconciler.pass(wantedOf(PLAN), []);
    assert.deepEqual(stage.calls, ['agent failed']);
    await stage.endAll();
    stage.now += HOLD;
    assert.equal(stage.reconciler.isolates(wantedOf(PLAN)), true);
  });

  it('gives it back when it is no longer configured', async () => {
    const stage = new Stage({ idempotent: true });
    stage.reconciler.setPlan(PLAN);
    stage.reconciler.pass(isolated, []);
    await stage.endAll();
    stage.reconciler.setPlan(planOf('nics: [{name: eth2}]\n'));
    stage.reconciler.pass(isolated, []);
    assert.deepEqual(stage.calls, ['agent ok']);
    await stage.endAll();
    assert.equal(stage.reconciler.pendingCount(), 0);
  });
});
