import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { begin, down, PLAN, planOf, SMALL, Stage, wantedOf } from './world.ts';

describe('repeating the wanted state', () => {
  it('happens at start and after each reload for idempotent actuators, marked as such', async () => {
    const stage = begin({ idempotent: true });
    assert.deepEqual(stage.calls, ['nic eth2 ok', 'nic eth3 ok']);
    assert.ok(stage.held.every((h) => h.call.announce));
    await stage.endAll('unchanged');
    assert.deepEqual(
      stage.reports.map((r) => r.result),
      ['unchanged', 'unchanged'],
    );
    stage.reconciler.pass(wantedOf(SMALL), []);
    assert.deepEqual(stage.calls, []);
    stage.reconciler.setPlan(SMALL);
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    assert.deepEqual(
      stage.held.map((h) => h.call.announce),
      [false, true],
      'a change is no repetition',
    );
    await stage.endAll();
    stage.reconciler.setPlan(SMALL);
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    assert.deepEqual(stage.calls, ['nic eth2 failed', 'nic eth3 ok']);
  });

  it('is tried again when it failed, and counted apart when it is sent', async () => {
    const stage = begin({ idempotent: true, batch: true });
    await stage.endAll(new Error('no answer'));
    assert.equal(stage.reconciler.pending().length, 2);
    stage.now = 10_000;
    stage.reconciler.tick();
    assert.ok(stage.held[0]?.call.announce);
    await stage.endAll();
    assert.deepEqual(
      stage.reports.map((r) => r.result),
      ['failed', 'failed', 'announced', 'announced'],
    );
  });

  it('never happens for others', () => {
    const stage = begin();
    stage.reconciler.setPlan(SMALL);
    stage.reconciler.pass(wantedOf(SMALL), []);
    assert.deepEqual(stage.calls, []);
  });
});

describe('a reload', () => {
  it('undoes the actions of a NIC that are no longer configured', async () => {
    const stage = begin();
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    await stage.endAll();
    const without = planOf('nics: [{name: eth2}, {name: eth3}]\n');
    stage.reconciler.setPlan(without);
    stage.reconciler.pass(wantedOf(without, down(0)), []);
    assert.deepEqual(stage.calls, ['nic eth2 ok'], 'eth3 was at rest');
    await stage.endAll();
    assert.deepEqual(stage.reconciler.toJSON().applied, []);
  });

  it('leaves services alone that are no longer configured, even when a call is under way', async () => {
    const stage = begin({}, PLAN);
    const out = wantedOf(PLAN, (w) => w.weight[0]!.fill(0, 0, 2));
    stage.reconciler.pass(out, []);
    await stage.held[0]!.end('done');
    stage.reconciler.setPlan(SMALL);
    stage.reconciler.pass(wantedOf(SMALL), []);
    await stage.endAll(new Error('too late'));
    stage.now = 1e6;
    stage.reconciler.tick();
    assert.deepEqual(stage.calls, []);
    assert.deepEqual([stage.reconciler.pending(), stage.reconciler.toJSON().applied], [[], []]);
  });

  it('that brings back an effect during its last call makes no second call beside it', async () => {
    const stage = begin({}, PLAN);
    const out = wantedOf(PLAN, (w) => w.weight[0]!.fill(0, 0, 1));
    stage.reconciler.pass(out, []);
    stage.reconciler.setPlan(SMALL);
    stage.reconciler.pass(wantedOf(SMALL), []);
    stage.reconciler.setPlan(PLAN);
    stage.reconciler.pass(out, []);
    assert.equal(stage.held.length, 1);
    await stage.endAll();
    assert.deepEqual([stage.calls, stage.reports.length], [[], 1]);
  });
});

describe('a restart', () => {
  const restarted = (saved: unknown, plan = SMALL) => {
    const stage = new Stage();
    const damaged = stage.reconciler.restore(JSON.parse(JSON.stringify(saved)));
    stage.reconciler.setPlan(plan);
    return { stage, damaged };
  };

  it('into an unchanged world performs no action', async () => {
    const before = begin();
    before.reconciler.pass(wantedOf(SMALL, down(0)), []);
    await before.endAll();
    const { stage } = restarted(before.reconciler.toJSON());
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    assert.deepEqual(stage.calls, []);
    stage.reconciler.pass(wantedOf(SMALL), []);
    assert.deepEqual(stage.calls, ['nic eth2 ok']);
  });

  it('in the middle of a call makes that call again, whatever is wanted now', () => {
    const before = begin();
    before.reconciler.pass(wantedOf(SMALL, down(0)), []);
    const saved = before.reconciler.toJSON();
    assert.deepEqual(
      saved.applied.map((a) => a.value),
      [null],
    );
    for (const [change, call] of [
      [down(0), 'nic eth2 failed'],
      [down(), 'nic eth2 ok'],
    ] as const) {
      const { stage } = restarted(saved);
      stage.reconciler.pass(wantedOf(SMALL, change), []);
      assert.deepEqual(stage.calls, [call]);
    }
  });

  it('with another configuration undoes what it no longer has', async () => {
    const before = begin({}, PLAN);
    before.reconciler.pass(wantedOf(PLAN, down(0)), []);
    await before.endAll();
    const plan = planOf('nics: [{name: eth9}]\n');
    const { stage } = restarted(before.reconciler.toJSON(), plan);
    stage.reconciler.pass(wantedOf(plan), []);
    assert.deepEqual(stage.calls, ['nic eth2 ok']);
  });

  it('saves little: only what is not at rest', () => {
    assert.deepEqual(begin({}, PLAN).reconciler.toJSON(), { version: 1, applied: [] });
  });

  it('survives a damaged state, using what is good of it', async () => {
    const before = begin();
    before.reconciler.pass(wantedOf(SMALL, down(0)), []);
    await before.endAll();
    const { applied } = before.reconciler.toJSON();
    const { stage, damaged } = restarted({ version: 1, applied: [{ nonsense: 1 }, ...applied, 7] });
    assert.equal(damaged, 2);
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    assert.deepEqual(stage.calls, []);
    for (const [state, count] of [
      [undefined, 0],
      [null, 0],
      ['x', 1],
      [{ version: 2, applied: [] }, 1],
    ] as const) {
      assert.equal(new Stage().reconciler.restore(state), count);
    }
  });
});

describe('metrics', () => {
  it('count calls and results, and keep the identity of their rows', async () => {
    const stage = begin({}, PLAN);
    const [first] = stage.reconciler.families();
    stage.reconciler.pass(wantedOf(PLAN, down(0)), []);
    stage.now = 200;
    await stage.held[0]!.end('done');
    await stage.held[0]!.end(new Error('x'));
    const families = stage.reconciler.families();
    assert.equal(families[0]?.rows, first?.rows);
    const value = (name: string, ...labels: string[]) => {
      const family = families.find((f) => f.name === name)!;
      return family.values[family.rows.findIndex((row) => row.join() === labels.join())];
    };
    assert.equal(value('fourlane_actions_total', 'exec', 'ok'), 1);
    assert.equal(value('fourlane_actions_total', 'exec', 'failed'), 1);
    assert.equal(value('fourlane_action_pending', 'exec'), 1);
    const { values, rows, bounds } = families.find((f) => f.type === 'histogram')!;
    const width = bounds!.length + 2;
    const start = rows.findIndex(([name]) => name === 'exec') * width;
    const row = Array.from({ length: width }, (_, i) => Number(values[start + i]));
    assert.deepEqual(row, [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0.4]);
  });
});
