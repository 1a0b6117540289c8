import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { planEffects } from '../../src/act/effects.ts';
import { valueOf } from '../../src/act/value.ts';
import { actuators } from '../../src/act/index.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { ActionReport } from '../../src/act/report.ts';
import { begin, down, PLAN, planOf, SMALL, Stage, wantedOf } from './world.ts';

describe('a pass', () => {
  it('does nothing at first start when nothing is wrong', () => assert.deepEqual(begin({}, PLAN).calls, []));

  it('calls for what differs, at once, and only once', async () => {
    const stage = begin({}, PLAN);
    stage.reconciler.pass(wantedOf(PLAN, down(0)), []);
    assert.deepEqual(stage.calls, ['nic eth2 failed', 'slice web eth2 disabled']);
    await stage.endAll();
    stage.reconciler.pass(wantedOf(PLAN, down(0)), []);
    assert.deepEqual(stage.calls, []);
    assert.deepEqual(
      stage.reports.map((r) => [r.effect.kind, r.result]),
      [
        ['nic', 'ok'],
        ['slice', 'ok'],
      ],
    );
  });

  it('undoes on recovery', async () => {
    const stage = begin({}, PLAN);
    stage.reconciler.pass(
      wantedOf(PLAN, (w) => {
        w.weight[0]!.fill(0, 1, 2);
        w.path[0]!.fill(0, 0, 1);
      }),
      [],
    );
    assert.deepEqual(stage.calls, ['path web eth2 10.1.0.1:80 disabled', 'realServer web 10.1.0.2:80 disabled 0']);
    await stage.endAll();
    stage.reconciler.pass(wantedOf(PLAN), []);
    assert.deepEqual(stage.calls, ['path web eth2 10.1.0.1:80 enabled', 'realServer web 10.1.0.2:80 enabled 50']);
    await stage.endAll();
    assert.deepEqual(stage.reconciler.toJSON().applied, []);
    assert.deepEqual(stage.reconciler.pending(), []);
  });

  it('acts at first start on what is wrong already', () => {
    const stage = new Stage();
    stage.reconciler.setPlan(SMALL);
    stage.reconciler.pass(wantedOf(SMALL, down(1)), []);
    assert.deepEqual(stage.calls, ['nic eth3 failed']);
  });

  it('before there is a plan does nothing', () => {
    const stage = new Stage();
    stage.reconciler.pass(wantedOf(SMALL, down(1)), []);
    assert.deepEqual(stage.calls, []);
  });
});

describe('while a call is under way', () => {
  it('no second one starts for the same effect, and states in between are skipped', async () => {
    const stage = begin();
    const { reconciler } = stage;
    reconciler.pass(wantedOf(SMALL, down(0)), []);
    reconciler.pass(wantedOf(SMALL), []);
    reconciler.pass(wantedOf(SMALL, down(0)), []);
    reconciler.pass(wantedOf(SMALL), []);
    assert.deepEqual(stage.calls, ['nic eth2 failed']);
    await stage.held[0]!.end('done');
    assert.deepEqual(stage.calls, ['nic eth2 ok'], 'the wanted state of now, at once');
    await stage.endAll();
    assert.equal(stage.reports.length, 2);
  });

  it('others go on', async () => {
    const stage = begin();
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    stage.reconciler.pass(wantedOf(SMALL, down(0, 1)), []);
    assert.deepEqual(stage.calls, ['nic eth2 failed', 'nic eth3 failed']);
    await stage.held[1]!.end('done');
    assert.equal(stage.reports[0]?.effect.nic, 'eth3');
  });

  it('at most as many run as the actuator allows; the rest follow', async () => {
    const stage = begin({ concurrency: 2 }, PLAN);
    stage.reconciler.pass(wantedOf(PLAN, down(0, 1)), []);
    assert.equal(stage.held.length, 2);
    let idle = false;
    const waiting = stage.reconciler.idle().then(() => (idle = true));
    await stage.held[0]!.end('done');
    assert.equal(stage.held.length, 2);
    assert.equal(idle, false);
    await stage.endAll();
    await waiting;
    assert.equal(stage.reports.length, 4);
  });
});

describe('a failed call', () => {
  const failing = async () => {
    const stage = begin();
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    await stage.held[0]!.end(new Error('exited with 1'));
    return stage;
  };

  it('is repeated after 1, 2, 4 … 60 s', async () => {
    const stage = await failing();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const [{ retryAt } = { retryAt: 0 }] = stage.reconciler.pending();
      pauses.push(retryAt - stage.now);
      stage.now = retryAt - 1;
      stage.reconciler.tick();
      assert.deepEqual(stage.calls, []);
      stage.now = retryAt;
      stage.reconciler.tick();
      assert.deepEqual(stage.calls, ['nic eth2 failed']);
      await stage.endAll(new Error('exited with 1'));
    }
    assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
  });

  it('is visible', async () => {
    const { reconciler, reports } = await failing();
    const [pending] = reconciler.pending();
    assert.deepEqual([pending?.state, pending?.failures, pending?.error], ['retrying', 1, 'exited with 1']);
    assert.deepEqual([reports[0]?.result, reports[0]?.error, reports[0]?.failures], ['failed', 'exited with 1', 1]);
  });

  it('holds up no other effect', async () => {
    const stage = await failing();
    stage.reconciler.pass(wantedOf(SMALL, down(0, 1)), []);
    assert.deepEqual(stage.calls, ['nic eth3 failed']);
  });

  it('gives way to a new wanted state at once, which is carried out though it is the old one', async () => {
    const stage = await failing();
    stage.reconciler.pass(wantedOf(SMALL), []);
    assert.deepEqual(stage.calls, ['nic eth2 ok'], 'the failed call may have done half');
    await stage.endAll();
    assert.deepEqual(stage.reconciler.pending(), []);
  });

  it('does not keep idle() waiting', async () => {
    await (await failing()).reconciler.idle();
  });

  it('may be one that throws at once', async () => {
    const reports: ActionReport[] = [];
    const perform = () => {
      throw new TypeError('undefined is not a function');
    };
    const thrower = actuators.map((a) => ({ ...a, perform }));
    const reconciler = new Reconciler({ actuators: thrower, clock: () => 0, onAction: (r) => reports.push(r) });
    reconciler.setPlan(SMALL);
    reconciler.pass(wantedOf(SMALL, down(0)), []);
    await reconciler.idle();
    assert.equal(reports[0]?.error, 'undefined is not a function');
  });
});

describe('what is pending', () => {
  it('is listed longest first, as many as asked for, and counted', async () => {
    const stage = begin({}, PLAN);
    const { reconciler } = stage;
    stage.now = 1000;
    reconciler.pass(wantedOf(PLAN, down(0)), []);
    await stage.endAll(new Error('exited with 1'));
    stage.now = 1500;
    reconciler.pass(wantedOf(PLAN, down(0, 1)), []);
    const list = (limit?: number) =>
      reconciler.pending(limit).map((p) => [p.effect.kind, p.effect.nic, p.state, p.since, p.failures]);
    assert.deepEqual(list(), [
      ['nic', 'eth2', 'retrying', 1000, 1],
      ['slice', 'eth2', 'retrying', 1000, 1],
      ['nic', 'eth3', 'running', 1500, 0],
      ['slice', 'eth3', 'running', 1500, 0],
    ]);
    assert.equal(list(3).length, 3);
    assert.deepEqual([reconciler.pending(0), reconciler.pendingCount()], [[], 4]);
    stage.now = 1600;
    reconciler.pass(wantedOf(PLAN, down(1)), []);
    assert.deepEqual(list(1), [['nic', 'eth3', 'running', 1500, 0]], 'another value is wanted of eth2 since now');
    await stage.endAll();
    assert.equal(reconciler.pendingCount(), 0);
  });
});

describe('whatever is wanted and however calls end', () => {
  it('what was last asked for is what is wanted, with never two calls for one effect', async () => {
    const step = fc.oneof(
      fc.record({ nics: fc.subarray([0, 1]), out: fc.subarray([0, 1, 2]), paths: fc.subarray([0, 1, 2, 3, 4, 5]) }),
      fc.constantFrom('done', 'fail', 'restart', 'wait'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        let stage = begin({}, PLAN);
        let wanted = wantedOf(PLAN);
        const world = new Map<string, string>(); // what a perfect receiver believes: absent = at rest
        const end = async (result: 'done' | Error) => {
          const [first] = stage.held;
          const effect = first?.effects[0];
          if (effect && result === 'done') world.set(effect.key, valueOf(effect));
          await first?.end(result);
          const keys = stage.held.flatMap((h) => h.effects.map((e) => e.key));
          assert.equal(new Set(keys).size, keys.length);
        };
        for (const s of steps) {
          if (s === 'done') await end('done');
          else if (s === 'fail') await end(new Error('no'));
          else if (s === 'wait') {
            stage.now += 30_000;
            stage.reconciler.tick();
          } else if (s === 'restart') {
            const saved: unknown = JSON.parse(JSON.stringify(stage.reconciler));
            stage = new Stage();
            stage.reconciler.restore(saved);
            stage.reconciler.setPlan(PLAN);
            stage.reconciler.pass(wanted, []);
          } else {
            wanted = wantedOf(PLAN, (w) => {
              for (const i of s.nics) w.nicEnabled[i] = 0;
              for (const r of s.out) w.weight[0]![r] = 0;
              for (const p of s.paths) w.path[0]![p] = 0;
            });
            stage.reconciler.pass(wanted, []);
          }
        }
        for (let i = 0; i < 100 && stage.reconciler.pending().length > 0; i++) {
          await end('done');
          stage.now += 61_000;
          stage.reconciler.tick();
        }
        assert.deepEqual(stage.reconciler.pending(), []);
        const planned = planEffects(PLAN);
        const listed = planned.wanted(wanted, []);
        for (const [key, effect] of listed) {
          const rest = effect.kind === 'nic' ? 'ok' : valueOf(planned.rest(effect)!);
          assert.equal(world.get(key) ?? rest, valueOf(effect), key);
        }
        for (const [key, value] of world) if (!listed.has(key)) assert.match(value, /^enabled/, key);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

describe('batches', () => {
  const HOOK = planOf(`nics:
  - {name: eth2, onFail: [{webhook: {url: 'http://192.0.2.80/'}}]}
  - {name: eth3, onFail: [{webhook: {url: 'http://192.0.2.80/'}}]}
  - {name: eth4, onFail: [{webhook: {url: 'http://192.0.2.81/'}}]}
`);
  it('hold the changes of one pass to one place', async () => {
    const stage = begin({ batch: true }, HOOK);
    stage.reconciler.pass(wantedOf(HOOK, down(0, 1, 2)), []);
    assert.deepEqual(
      stage.held.map((h) => h.effects.map((e) => e.nic)),
      [['eth2', 'eth3'], ['eth4']],
    );
    await stage.endAll();
    assert.deepEqual(
      stage.reports.map((r) => r.effect.nic),
      ['eth2', 'eth3', 'eth4'],
    );
  });

  it('to one place go one after the other', async () => {
    const stage = begin({ batch: true }, HOOK);
    stage.reconciler.pass(wantedOf(HOOK, down(0)), []);
    stage.reconciler.pass(wantedOf(HOOK, down(0, 1, 2)), []);
    assert.deepEqual(stage.calls, ['nic eth2 failed', 'nic eth4 failed']);
    await stage.held[0]!.end('done');
    assert.deepEqual(stage.calls, ['nic eth4 failed', 'nic eth3 failed']);
  });
});

describe('a data plane that is started again', () => {
  const AFTER_OUTAGE = { idempotent: true, recheck: 1e9 };

  it('ends the pauses of what waits for it, of nothing else, and the next ones are short again', async () => {
    const stage = begin(AFTER_OUTAGE);
    await stage.endAll();
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    for (let i = 0; i < 8; i++) {
      await stage.endAll(new Error('cannot read DPVS'));
      stage.now += 60_000;
      stage.reconciler.tick();
    }
    await stage.endAll(new Error('cannot read DPVS'));
    stage.now += 1000;
    stage.reconciler.started('dpdk');
    assert.deepEqual(stage.calls, [], 'another data plane');
    stage.reconciler.started('dpvs');
    assert.deepEqual(stage.calls, ['nic eth2 failed']);
    await stage.endAll(new Error('it is still starting'));
    stage.now += 1000;
    stage.reconciler.tick();
    assert.deepEqual(stage.calls, ['nic eth2 failed']);
  });

  it('has what is in place and not at rest looked at at once', async () => {
    const stage = begin(AFTER_OUTAGE);
    await stage.endAll();
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    await stage.endAll();
    stage.reconciler.started('dpvs');
    assert.deepEqual(stage.calls, ['nic eth2 failed']);
  });

  it('tries what failed and looks at what is in place, whatever it acts on, when drift is repaired', async () => {
    const stage = begin(AFTER_OUTAGE);
    await stage.endAll();
    stage.reconciler.pass(wantedOf(SMALL, down(0)), []);
    await stage.endAll(new Error('busy'));
    stage.reconciler.repair();
    assert.deepEqual(stage.calls, ['nic eth2 failed']);
    await stage.endAll();
    stage.reconciler.repair();
    assert.deepEqual(stage.calls, ['nic eth2 failed']);
  });
});
