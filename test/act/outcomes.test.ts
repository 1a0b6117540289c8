/** Actuators that tell the effects of a batch apart: what the reconciler makes of their outcomes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { actuator, type Call, type Effect, type Outcome } from '../../src/act/actuator.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { ActionReport } from '../../src/act/report.ts';
import { nameOf, noted, planOf, UNKNOWN, UNTOUCHED, wantedOf } from './world.ts';

const PLAN = planOf(`nics: [{name: eth2}, {name: eth3}]
services:
  - name: web
    vip: 10.0.0.1:80/tcp
    realServers: [10.1.0.1:80, 10.1.0.2:80]
    actuator: {webhook: {url: 'http://192.0.2.1/'}}
`);

type Answer = readonly (Outcome | undefined)[];

/** A reconciler over one actuator that answers as the test says. */
class Bench {
  now = 0;
  readonly calls: (Call & { readonly effects: readonly Effect[] })[] = [];
  readonly reports: ActionReport[] = [];
  answer: () => Answer | Promise<Answer> = () => [];
  readonly reconciler: Reconciler;

  constructor(saved?: unknown) {
    const telling = actuator({
      name: 'webhook',
      summary: '',
      schema: z.strictObject({}),
      scopes: ['service'],
      kinds: ['realServer'],
      idempotent: true,
      batch: true,
      concurrency: 1,
      identity: () => '',
      recheck: () => 10_000,
      perform: async (_, effects, call) => {
        this.calls.push({ ...call, effects });
        return (await this.answer()) as readonly Outcome[];
      },
    });
    const options = { actuators: [telling], clock: () => this.now, random: () => 0.5 };
    this.reconciler = new Reconciler({ ...options, onAction: (report) => this.reports.push(report) });
    if (saved !== undefined) this.reconciler.restore(JSON.parse(JSON.stringify(saved)));
    this.reconciler.setPlan(PLAN);
  }

  /** The real servers at these fractions of their weight. */
  async want(...fractions: number[]): Promise<void> {
    this.reconciler.pass(
      wantedOf(PLAN, (w) => w.weight[0]!.set(fractions)),
      [],
    );
    await this.reconciler.idle();
  }

  async wait(ms: number): Promise<void> {
    this.now += ms;
    this.reconciler.tick();
    await this.reconciler.idle();
  }

  get last() {
    return this.calls.at(-1)!;
  }

  metric(name: string): number {
    return Number(this.reconciler.families().find((f) => f.name === name)!.values[0]);
  }
}

describe('outcomes of a batch', () => {
  it('count one by one; one that fails does not hold up another', async () => {
    const bench = new Bench();
    bench.answer = () => [{ result: 'done' }, { result: 'failed', message: 'no such real server' }];
    await bench.want(0, 0);
    assert.deepEqual(
      bench.reports.map((r) => [r.result, r.error]),
      [
        ['ok', ''],
        ['failed', 'no such real server'],
      ],
    );
    bench.answer = () => [{ result: 'done' }];
    await bench.wait(2000);
    assert.deepEqual(bench.last.effects.map(nameOf), ['realServer web 10.1.0.2:80 disabled 0']);
  });

  it('that are missing are failures', async () => {
    const bench = new Bench();
    bench.answer = () => [undefined];
    await bench.want(0, 0);
    assert.deepEqual(
      bench.reports.map((r) => r.error),
      ['webhook gave no outcome', 'webhook gave no outcome'],
    );
  });

  it('unsupported: not tried again until something else is wanted', async () => {
    const bench = new Bench();
    bench.answer = () => [{ result: 'unsupported', message: 'not here' }];
    await bench.want(0, 1);
    await bench.wait(600_000);
    assert.deepEqual([bench.calls.length, bench.metric('fourlane_action_unsupported')], [1, 1]);
    assert.deepEqual([bench.metric('fourlane_action_pending'), bench.reconciler.pending()], [0, []]);
    await bench.want(0.5, 1);
    assert.equal(bench.calls.length, 2);
    await new Promise<void>((resolve) => setImmediate(resolve));
    const again = new Bench(bench.reconciler.toJSON());
    again.answer = bench.answer;
    await again.want(0.5, 1);
    assert.equal(again.calls.length, 1, 'asked once more after a restart');
  });
});

describe('notes', () => {
  it('come back with the next call, also after a restart', async () => {
    const bench = new Bench();
    bench.answer = () => [{ result: 'done', note: noted('was 7') }];
    await bench.want(0, 1);
    assert.deepEqual(bench.last.notes, [UNTOUCHED], 'it is certain that nothing has been done to it');
    const after = new Bench(bench.reconciler.toJSON());
    after.answer = () => [{ result: 'done' }];
    await after.want(1, 1);
    assert.deepEqual(after.last.notes, [noted('was 7')]);
  });

  it('are null when an earlier call was not heard of', async () => {
    const bench = new Bench();
    bench.answer = () => Promise.reject(new Error('killed'));
    await bench.want(0, 1);
    await bench.wait(2000);
    assert.deepEqual(bench.last.notes, [UNKNOWN]);

    let end: (answer: Answer) => void = () => undefined;
    const before = new Bench();
    before.answer = () => [{ result: 'done', note: noted('left 50') }];
    await before.want(0.5, 1);
    before.answer = () => new Promise((resolve) => (end = resolve));
    before.reconciler.pass(
      wantedOf(PLAN, (w) => w.weight[0]!.set([0, 1])),
      [],
    );
    const after = new Bench(before.reconciler.toJSON());
    end([{ result: 'done' }]);
    await after.want(1, 1);
    assert.deepEqual(after.last.notes, [UNKNOWN], 'a note from before that call would be wrong');
  });

  it('are gone when it is at rest again', async () => {
    const bench = new Bench();
    bench.answer = () => [{ result: 'done', note: noted('n') }];
    await bench.want(0, 1);
    await bench.want(1, 1);
    await bench.want(0, 1);
    assert.deepEqual(bench.last.notes, [UNTOUCHED]);
  });
});

describe('recheck', () => {
  it('asks again for what is in place, quietly while nothing differs', async () => {
    const bench = new Bench();
    bench.answer = () => [{ result: 'done', differs: true }];
    await bench.want(0, 1);
    bench.answer = () => [{ result: 'unchanged' }];
    await bench.wait(9000);
    assert.equal(bench.calls.length, 1);
    await bench.wait(1000);
    assert.deepEqual([bench.calls.length, bench.last.announce, bench.reports.length], [2, true, 1]);
    assert.equal(bench.metric('fourlane_action_drift_total'), 0, 'the first time is no drift');
  });

  it('counts drift once, keeps it visible while it lasts, and tells it', async () => {
    const bench = new Bench();
    bench.answer = () => [{ result: 'done' }];
    await bench.want(0, 1);
    bench.answer = () => [{ result: 'failed', message: 'locked', differs: true }];
    await bench.wait(10_000);
    await bench.wait(2000);
    assert.deepEqual([bench.metric('fourlane_action_drift_total'), bench.metric('fourlane_action_drifted')], [1, 1]);
    bench.answer = () => [{ result: 'done', differs: true }];
    await bench.wait(60_000);
    assert.deepEqual([bench.metric('fourlane_action_drift_total'), bench.metric('fourlane_action_drifted')], [1, 0]);
    assert.deepEqual(
      bench.reports.map((r) => r.drift),
      [false, true, false, false],
    );
  });

  it('does not look at what is at rest', async () => {
    const bench = new Bench();
    bench.answer = () => [{ result: 'done' }];
    await bench.want(0, 1);
    await bench.want(1, 1);
    await bench.wait(60_000);
    assert.equal(bench.calls.length, 2);
  });
});
