/** Scripts of an imported keepalived.conf: run as keepalived runs them, once a change. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Effect } from '../../src/act/actuator.ts';
import { planEffects } from '../../src/act/effects.ts';
import { hasQuorum } from '../../src/act/hooks.ts';
import { makeNotify } from '../../src/act/notify.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { ActionReport } from '../../src/act/report.ts';
import type { Hook, Plan } from '../../src/model/plan.ts';
import type { Transition, Verdict } from '../../src/model/verdict.ts';
import { effectOf, type Mutable, nameOf, PLAN, UNTOUCHED, wantedOf } from './world.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-notify-'));
after(() => rmSync(dir, { recursive: true }));
chmodSync(dir, 0o755);

const script = (name: string, body: string) => {
  writeFileSync(join(dir, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return join(dir, name);
};
const log = join(dir, 'log');
const told = script('told', `echo "$@" >> ${log}`);
const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
const hook = (...args: string[]): Hook => ({ command: [told, ...args], user: 'root' });

const alone = makeNotify(() => Promise.resolve(undefined));
const run = async (spec: object, state: Effect['state'], notify = alone) => {
  const effect = effectOf({ spec: { type: 'notify', ...spec }, kind: 'realServer', vip: '10.0.0.1:80/tcp', state });
  return notify.perform(effect.spec, [effect], { announce: false, notes: [UNTOUCHED] });
};
const messageOf = async (command: string[], more: object = {}) => {
  const outcomes = await run({ down: { command, ...more } }, 'disabled');
  assert.ok(typeof outcomes !== 'string');
  return [outcomes[0]!.result, outcomes[0]!.message];
};

describe('notify', () => {
  it('runs the script of the change with its own arguments, without a shell; without one it does nothing', async () => {
    assert.deepEqual(await run({ up: hook('up'), down: hook('a b', '$HOME', '; id') }, 'disabled'), [{ result: 'done' }]);
    assert.deepEqual(lines(), ['a b $HOME ; id']);
    assert.equal(await run({ down: hook('x') }, 'enabled'), 'unchanged');
  });

  it('reports a script that fails, and one that must not or can not be run; none of them is run again', async () => {
    assert.deepEqual(await messageOf([script('bad', 'echo no route; exit 3')]), [
      'done',
      `${join(dir, 'bad')} exited with 3: no route`,
    ]);
    const open = script('open', '');
    chmodSync(open, 0o777);
    assert.deepEqual(await messageOf([open]), ['done', `${open} was not run: ${open} can be written by everybody`]);
    assert.match((await messageOf([join(dir, 'none')]))[1]!, /was not run: .*ENOENT/);
    assert.match((await messageOf([told], { user: 'nobody-has-this' }))[1]!, /was not run: .*has no "nobody-has-this"/);
  });

  it('runs it as its user', async () => {
    const who = script('who', 'id -u; exit 1');
    assert.deepEqual(await messageOf([who], { user: 'nobody' }), ['done', `${who} exited with 1: 65534`]);
  });

  it('leaves it to a keepalived that runs and has the service: it would be run twice', async () => {
    const before = lines().length;
    const left = await run(
      { up: hook('twice') },
      'enabled',
      makeNotify(() => Promise.resolve('keepalived (pid 7) manages this')),
    );
    assert.deepEqual(left, [{ result: 'done', message: `${told} is left to it: keepalived (pid 7) manages this` }]);
    assert.equal(lines().length, before);
  });
});

/** The plan of `world.ts` with scripts: of the service, and of its first two real servers. */
const HOOKED: Plan = {
  ...PLAN,
  services: PLAN.services.map((service, i) =>
    i === 0
      ? {
          ...service,
          notify: {
            quorum: 52,
            hysteresis: 0,
            service: { up: hook('quorum', 'up'), down: hook('quorum', 'down') },
            realServers: [{ down: hook('first', 'down') }, { up: hook('second', 'up'), down: hook('second', 'down') }, undefined],
          },
        }
      : service,
  ),
};
const out =
  (...positions: number[]) =>
  (w: Mutable) => {
    for (const i of positions) w.weight[0]![i] = 0;
  };

describe('effects of scripts', () => {
  it('are one of the service always, and those of real servers with scripts that are out', () => {
    const names = (change?: (w: Mutable) => void) =>
      [...planEffects(HOOKED).wanted(wantedOf(HOOKED, change), []).values()]
        .filter(({ spec }) => spec.type === 'notify')
        .map(nameOf);
    assert.deepEqual(names(), ['service web enabled']);
    assert.deepEqual(names(out(1, 2)), ['service web enabled', 'realServer web 10.1.0.2:80 disabled']);
    assert.deepEqual(names(out(0)), ['service web disabled', 'realServer web 10.1.0.1:80 disabled']);
  });

  it('by keepalived semantics follow the verdicts, not what a limit keeps in service or takes out', () => {
    const [web, ...rest] = HOOKED.services;
    const alive: Plan = { ...HOOKED, services: [{ ...web!, notify: { ...web!.notify!, counts: 'alive' } }, ...rest] };
    const names = (verdicts: readonly Verdict[], change?: (w: Mutable) => void) =>
      [...planEffects(alive).wanted(wantedOf(alive, change), verdicts).values()]
        .filter(({ spec }) => spec.type === 'notify')
        .map(nameOf);
    const down = (rs: string) => ({ subject: 'rs', rs, verdict: 'RS_DOWN', cause: 'refused', reason: '' }) as unknown as Verdict;
    assert.deepEqual(names([], out(0, 1)), ['service web enabled']);
    assert.deepEqual(names([down('10.1.0.2:80')]), ['service web enabled', 'realServer web 10.1.0.2:80 disabled']);
    assert.deepEqual(names([down('10.1.0.1:80')]), ['service web disabled', 'realServer web 10.1.0.1:80 disabled']);
    const reconciler = new Reconciler({ actuators: [alone], clock: () => 0 });
    const fallen = [{ ...down('10.1.0.1:80') }] as unknown as readonly Transition[];
    reconciler.setPlan(HOOKED);
    assert.equal(reconciler.heeds(fallen), false);
    reconciler.setPlan(alive);
    const thawed = [{ ...fallen[0]!, subject: 'agent' as const }];
    assert.deepEqual(
      [fallen, thawed, []].map((each) => reconciler.heeds(each)),
      [true, true, false],
    );
  });

  it('the quorum counts full weights, with hysteresis, and is lowered to what can be reached', () => {
    const { realServers } = HOOKED.services[0]!;
    const { dynamic } = wantedOf(HOOKED);
    const has = (counted: number[], quorum: number, hysteresis = 0, had?: boolean) =>
      hasQuorum({ notify: { quorum, hysteresis, realServers: [] }, realServers, counted, dynamic, frozen: '', had });
    // Weights 100, 50, 1.
    assert.deepEqual([has([0.1, 0, 0], 100), has([0, 1, 1], 51), has([0, 1, 0], 51)], [true, true, false]);
    assert.deepEqual([has([1, 1, 1], 5000), has([1, 1, 0], 5000)], [true, false]);
    // Without any weight it is never there, instead of coming and going.
    const none = realServers.map((server) => ({ ...server, weight: 0 }));
    const notify = { quorum: 1, hysteresis: 0, realServers: [] };
    for (const had of [undefined, true, false])
      assert.equal(hasQuorum({ notify, realServers: none, counted: undefined, dynamic, frozen: '', had }), false);
    const around = (had: boolean) => [has([0, 1, 0], 51, 10, had), has([0, 0, 1], 51, 10, had), has([1, 0, 0], 51, 10, had)];
    assert.deepEqual(
      [around(true), around(false)],
      [
        [true, false, true],
        [false, false, true],
      ],
    );
  });

  it('with omega everything that is up is announced as down at the end, and as up when the agent starts again', async () => {
    const services = HOOKED.services.map((s) =>
      s.notify === undefined ? s : { ...s, notify: { ...s.notify, omega: true as const } },
    );
    const plan = { ...HOOKED, services };
    const begin = (of: Plan, saved?: unknown) => {
      const reconciler = new Reconciler({ actuators: [alone], clock: () => 0 });
      reconciler.setPlan(of);
      if (saved !== undefined) reconciler.restore(saved);
      return reconciler;
    };
    const doing = async (reconciler: Reconciler, act: () => void) => {
      const before = lines().length;
      act();
      await reconciler.idle();
      return lines().slice(before).toSorted();
    };
    const reconciler = begin(plan);
    assert.deepEqual(await doing(reconciler, () => reconciler.pass(wantedOf(plan, out(1)), [])), ['quorum up', 'second down']);
    assert.deepEqual(await doing(reconciler, () => reconciler.farewell()), ['first down', 'quorum down']);
    const again = begin(plan, JSON.parse(JSON.stringify(reconciler.toJSON())));
    assert.deepEqual(await doing(again, () => again.pass(wantedOf(plan), [])), ['quorum up', 'second up']);
    const without = begin(HOOKED);
    await doing(without, () => without.pass(wantedOf(HOOKED), []));
    assert.deepEqual(await doing(without, () => without.farewell()), []);
  });

  it('are carried out once a change: the quorum that is found at the start too, nothing again after a restart', async () => {
    const reports: ActionReport[] = [];
    const begin = (saved?: unknown) => {
      const reconciler = new Reconciler({ actuators: [alone], clock: () => 0, onAction: (report) => reports.push(report) });
      reconciler.setPlan(HOOKED);
      if (saved !== undefined) reconciler.restore(saved);
      return reconciler;
    };
    const pass = async (reconciler: Reconciler, change?: (w: Mutable) => void) => {
      const before = lines().length;
      reconciler.pass(wantedOf(HOOKED, change), []);
      await reconciler.idle();
      return lines().slice(before).toSorted();
    };
    const reconciler = begin();
    assert.deepEqual(await pass(reconciler), ['quorum up']);
    assert.deepEqual(await pass(reconciler), []);
    assert.deepEqual(await pass(reconciler, out(0, 1)), ['first down', 'quorum down', 'second down']);
    const again = begin(JSON.parse(JSON.stringify(reconciler.toJSON())));
    assert.deepEqual(await pass(again, out(0, 1)), []);
    assert.deepEqual(await pass(again), ['quorum up', 'second up']);
    assert.ok(reports.every(({ error }) => error === ''));
  });
});
