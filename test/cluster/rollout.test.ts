import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Barrier } from '../../src/cluster/barrier/barrier.ts';
import { COUNTS_AS, type CountsAs } from '../../src/model/cluster-status.ts';
import { type Drift, driftsOf } from '../../src/cluster/drift/drift.ts';
import { beginRollout, type RolloutWish } from '../../src/cluster/rollout/begin.ts';
import { baselineOf, haltCauses, type HaltView } from '../../src/cluster/rollout/halts.ts';
import { haltByHand, isLive, rollBackByHand, type RolloutView, step } from '../../src/cluster/rollout/rollout.ts';
import type { Applied, Rollout, Target } from '../../src/cluster/values.ts';
import { appliedValue } from './fleet-model.ts';

const OLD = { release: 1, root: 'a'.repeat(64) };
const NEW = { release: 2, root: 'b'.repeat(64) };
const rollout = (more: Partial<Rollout> = {}): Rollout => ({
  n: 7,
  to: NEW,
  from: { canary: OLD, rest: OLD },
  stages: [
    { ring: 'canary', soakMs: 1000 },
    { ring: 'rest', soakMs: 0 },
  ],
  stage: 0,
  state: 'preparing',
  why: '',
  onHalt: 'rollback',
  allowAbsent: 0,
  baseline: [],
  startedBy: 'ops',
  at: '2026-11-28T12:00:00Z',
  ...more,
});

/** A barrier of servers that count as these. */
function barrier(...as: CountsAs[]): Barrier {
  const counts = Object.fromEntries(COUNTS_AS.map((each) => [each, as.filter((one) => one === each).length]));
  const rows = as.map((each, i) => ({ server: `lb-${i}`, counts: each, text: each }));
  return { rows, counts: counts as Barrier['counts'], expected: as.length };
}

interface World {
  readonly rollout: Rollout;
  readonly targets?: Record<string, Target>;
  readonly barriers?: Record<string, Barrier>;
  readonly halts?: readonly string[];
  readonly now?: number;
  readonly soakSince?: number;
  readonly lead?: number | undefined;
}

function look(world: World) {
  const { targets = { canary: OLD, rest: OLD }, barriers = {}, halts = [], now = 0, soakSince } = world;
  const view: RolloutView = {
    rollout: { value: world.rollout, mod: 50 },
    ...('lead' in world ? {} : { lead: 40 }),
    targets: new Map(Object.entries(targets).map(([ring, value], i) => [ring, { value, mod: 10 + i }])),
    barrier: (ring) => barriers[ring] ?? barrier('done'),
    halts: () => halts,
    now,
    soakSince,
  };
  const found = step(view);
  const puts = (found.txn?.writes ?? []).map((write) =>
    write.op === 'put' ? ([write.key, write.value] as const) : assert.fail(),
  );
  const [, changed] = puts.find(([key]) => key === 'rollout/7') ?? [];
  const moved = puts.filter(([key]) => key.startsWith('target/')).map(([key, value]) => `${key} ${(value as Target).release}`);
  return { ...found, state: (changed as Rollout | undefined)?.state, moved };
}
const prepared = { canary: { ...OLD, prepare: NEW }, rest: { ...OLD, prepare: NEW } };

test('first every ring prepares, while it goes on running what it runs', () => {
  const { txn, moved, text } = look({ rollout: rollout() });
  assert.deepEqual(moved, ['target/canary 1', 'target/rest 1']);
  assert.equal(text, 'has canary, rest prepare release 2');
  assert.deepEqual(txn!.compare, [
    { key: 'rollout/7', mod: 50 },
    { key: 'lead/rollout', create: 40 },
    { key: 'target/canary', mod: 10 },
    { key: 'target/rest', mod: 11 },
  ]);
});

test('one refusal stops it before anything was applied; an absent server holds it up unless that is allowed', () => {
  const ask = (rest: Barrier, more: Partial<Rollout> = {}) =>
    look({ rollout: rollout(more), targets: prepared, barriers: { rest } });
  const refused = ask(barrier('done', 'failed'));
  assert.deepEqual([refused.state, refused.moved], ['halted', []]);
  assert.equal(ask(barrier('done', 'pending')).text, 'ring rest: prepared by 1 of 2; 1 pending: lb-1');
  assert.equal(ask(barrier('done', 'absent')).text, '1 servers are absent, 0 may be');
  assert.deepEqual(ask(barrier('done', 'absent'), { allowAbsent: 1 }).moved, ['target/canary 2']);
});

test('ring by ring: applied, soaked, next; a leader that has just begun soaks anew', () => {
  const applying = rollout({ state: 'applying' });
  const targets = { canary: NEW, rest: { ...OLD, prepare: NEW } };
  assert.equal(look({ rollout: applying, targets, barriers: { canary: barrier('pending') } }).txn, undefined);
  const soaks = look({ rollout: applying, targets, now: 500 });
  assert.deepEqual([soaks.state, soaks.soakSince], ['soaking', 500]);
  const soaking = rollout({ state: 'soaking' });
  assert.equal(look({ rollout: soaking, targets, now: 1400, soakSince: 500 }).text, 'ring canary soaks for another 1 s');
  assert.equal(look({ rollout: soaking, targets, now: 9999 }).soakSince, 9999, 'who did not see it begin begins it');
  assert.deepEqual(look({ rollout: soaking, targets, now: 1500, soakSince: 500 }).moved, ['target/rest 2']);
  const waits = look({ rollout: soaking, targets, now: 1500, soakSince: 500, barriers: { canary: barrier('pending') } });
  assert.deepEqual([waits.txn, waits.soakSince], [undefined, undefined], 'a server that fell out begins the soak anew');
  const last = { rollout: rollout({ state: 'soaking', stage: 1 }), targets: { canary: NEW, rest: NEW } };
  assert.equal(look({ ...last, soakSince: 0 }).state, 'done');
});

test('it halts at a failure, at any other cause, and when somebody else moves a pointer', () => {
  const world = { rollout: rollout({ state: 'soaking' }), targets: { canary: NEW, rest: { ...OLD, prepare: NEW } } };
  assert.equal(look({ ...world, halts: ['lb-1 is lost since 30 s'] }).text, 'halts: lb-1 is lost since 30 s');
  assert.equal(look({ ...world, barriers: { canary: barrier('failed') } }).text, 'halts: lb-0 of ring canary: failed');
  const other = { canary: { release: 3, root: 'c'.repeat(64) }, rest: OLD };
  assert.match(look({ ...world, targets: other }).text, /somebody else has moved the pointer of ring canary/);
});

test('after a halt it gives back what rings had, waits for them, and does nothing more', () => {
  const halted = rollout({ state: 'halted', why: 'EPERM' });
  const targets = { canary: NEW, rest: { ...OLD, prepare: NEW } };
  const back = look({ rollout: halted, targets });
  assert.deepEqual([back.state, back.moved], ['rollingBack', ['target/canary 1', 'target/rest 1']]);
  assert.ok(
    back.txn!.writes.every((write) => !JSON.stringify(write).includes('"prepare"')),
    'nothing is prepared any more',
  );
  assert.equal(look({ rollout: rollout({ ...halted, onHalt: 'stay' }), targets }).text, 'halted: EPERM');
  const foreign = look({ rollout: halted, targets: { canary: { release: 3, root: 'c'.repeat(64) }, rest: OLD } });
  assert.deepEqual(foreign.moved, [], 'what others moved is theirs');
  const rolling = rollout({ state: 'rollingBack' });
  assert.match(
    look({ rollout: rolling, barriers: { rest: barrier('pending') } }).text,
    /^goes back; ring rest: applied by 0 of 1/,
  );
  assert.equal(look({ rollout: rolling }).state, 'rolledBack');
  for (const state of ['done', 'rolledBack', 'backFailed'] as const) {
    assert.equal(look({ rollout: rollout({ state }) }).txn, undefined);
    assert.equal(isLive(rollout({ state })), false);
  }
});

test('going back has an end although a server fails; by hand it is tried again there, and others may begin', () => {
  const rolling = rollout({ state: 'rollingBack', why: 'EPERM' });
  const waits = { rest: barrier('failed', 'pending') };
  assert.match(look({ rollout: rolling, barriers: waits }).text, /^goes back; ring rest: applied by 0 of 2; 1 pending/);
  const failed = look({ rollout: rolling, barriers: { rest: barrier('failed', 'done', 'absent') } });
  assert.deepEqual([failed.state, failed.text], ['backFailed', 'not given back: lb-0: failed']);
  const ended = rollout({ state: 'backFailed', why: 'EPERM; not given back: lb-0: failed' });
  assert.equal(isLive(ended), false);
  const again = (rollBackByHand({ value: ended, mod: 50 }, 'ops', 'disk mended')!.writes[0] as { value: Rollout }).value;
  const tried = look({ rollout: again, barriers: { rest: barrier('failed', 'done') } });
  assert.deepEqual(
    [tried.state, tried.moved],
    ['rollingBack', ['target/rest 1']],
    'the pointer where it failed is written again',
  );
});

test('who does not lead does nothing; a person halts without leading', () => {
  assert.equal(look({ rollout: rollout(), lead: undefined }).text, 'somebody else leads');
  const txn = haltByHand({ value: rollout(), mod: 50 }, 'ops', 'stop it')!;
  assert.deepEqual(txn.compare, [{ key: 'rollout/7', mod: 50 }]);
  assert.equal((txn.writes[0] as { value: Rollout }).value.why, 'ops: stop it');
  assert.equal(haltByHand({ value: rollout({ state: 'done' }), mod: 50 }, 'ops', ''), undefined);
});

test('a person has a rollout go back, also one that is done or was to stay; then it is live again', () => {
  const back = (more: Partial<Rollout>) => {
    const txn = rollBackByHand({ value: rollout(more), mod: 50 }, 'ops', 'slow');
    return (txn?.writes[0] as { value: Rollout } | undefined)?.value;
  };
  const done = back({ state: 'done', stage: 1 })!;
  assert.deepEqual([done.state, done.onHalt, done.why, isLive(done)], ['halted', 'rollback', 'ops: slow', true]);
  assert.deepEqual(look({ rollout: done, targets: { canary: NEW, rest: NEW } }).moved, ['target/canary 1', 'target/rest 1']);
  const stays = rollout({ state: 'halted', onHalt: 'stay' });
  assert.equal(isLive(stays), false, 'another may begin');
  assert.equal(back(stays)!.onHalt, 'rollback');
  assert.equal(back({ state: 'rolledBack' }), undefined);
});

const applied = (more: Partial<Applied> = {}): Applied =>
  appliedValue({ release: 2, root: NEW.root, seen: 10, running: NEW.root, planHash: 'p'.repeat(64), ...more });
const halts = (bad: Record<string, string[] | undefined>, more: Partial<HaltView> = {}): readonly string[] =>
  haltCauses({
    root: NEW.root,
    applied: ['c1'],
    others: ['r1', 'r2', 'r3'],
    presence: () => ({ is: 'there', member: { boot: 'b', version: '1', addresses: [], ready: true } }),
    values: new Map([['c1', applied()]]),
    excused: new Set(),
    bad: (server) => (server in bad ? bad[server] && new Set(bad[server]) : new Set()),
    doubts: () => false,
    services: [{ name: 'web', before: ['x', 'y', 'z', 'w'], after: ['x', 'y', 'z', 'w'], panic: 0.5 }],
    baseline: new Set(),
    ...more,
  });

test('halts: bad where the release runs, good where it does not; nothing else of real servers', () => {
  assert.deepEqual(halts({}), []);
  assert.deepEqual(halts({ c1: ['x'] }), ['bad where the release runs, good where it does not: x']);
  assert.deepEqual(halts({ c1: ['x'], r1: ['x'], r2: ['x'] }), [], 'bad elsewhere too: no fault of the release');
  assert.deepEqual(halts({ c1: ['x'] }, { baseline: new Set(['x']) }), [], 'it was so before');
  assert.deepEqual(halts({ c1: ['new'] }), [], 'the others do not have it: nothing can be compared');
  assert.deepEqual(halts({ c1: ['x'], r1: undefined, r2: undefined }), [], 'too few can tell');
  assert.deepEqual(halts({ c1: undefined, c2: ['x'] }, { applied: ['c1', 'c2'] }).length, 1, 'who is frozen says nothing');
});

test('halts: who doubts itself with the release, while those without it do not', () => {
  const doubts = (...names: string[]) => ({ doubts: (server: string) => names.includes(server) });
  assert.deepEqual(halts({ c1: undefined }, doubts('c1')), [
    'it doubts itself with the release, and those without it do not: c1',
  ]);
  assert.deepEqual(halts({}, doubts('c1', 'r1', 'r2')), [], 'others do so too: no fault of the release');
  assert.deepEqual(halts({}, doubts('r1')), []);
  assert.deepEqual(halts({}, { ...doubts('c1'), excused: new Set(['c1']) }), []);
});

test('what only the first ring misses before it begins is no fault of the release', () => {
  const bad: Record<string, string[]> = { c1: ['x', 'y'], r1: ['y'], r2: ['y'] };
  const baseline = baselineOf(['c1'], ['r1', 'r2', 'r3'], (server) => new Set(bad[server]));
  assert.deepEqual(baseline, ['x']);
  assert.deepEqual(
    baselineOf(['c1'], ['r1'], () => new Set(['x'])),
    [],
  );
});

test('a rollout begins from the pointers as they stand, and never beside a live one', () => {
  const { to, stages, onHalt, allowAbsent, startedBy, at, baseline } = rollout();
  const wish: RolloutWish = { to, stages, onHalt, allowAbsent, startedBy, at, baseline };
  const held = (value: Target, mod: number) => ({ value, mod });
  const targets = new Map([
    ['canary', held(OLD, 10)],
    ['rest', held({ ...OLD, prepare: NEW }, 11)],
  ]);
  const done = new Map([['7', { value: rollout({ state: 'done' }), mod: 50 }]]);
  const begun = beginRollout(wish, targets, done);
  assert.ok(begun.begins);
  assert.deepEqual(begun.txn.compare, [
    { key: 'rollout/8', mod: 0 },
    { key: 'target/canary', mod: 10 },
    { key: 'target/rest', mod: 11 },
  ]);
  assert.deepEqual((begun.txn.writes[0] as { value: Rollout }).value, rollout({ n: 8, from: { canary: OLD, rest: OLD } }));
  const why = (more: Partial<RolloutWish>, rollouts = done, rings = targets) => {
    const found = beginRollout({ ...wish, ...more }, rings, rollouts);
    return found.begins ? '' : found.why;
  };
  assert.match(
    why({}, new Map([['7', { value: rollout(), mod: 50 }]])),
    /rollout 7 of ops to release 2 is preparing; wait for it/,
  );
  assert.match(why({ stages: [...stages, stages[0]!] }), /ring canary is in two stages/);
  assert.match(why({ stages: [...stages, { ring: 'new', soakMs: 0 }] }), /ring new runs nothing yet/);
  assert.match(why({ stages: [stages[0]!] }), /no stage has ring rest/);
});

test('halts: a service below its panic share only where the release runs, also when its real servers are new', () => {
  const services = [{ name: 'web', before: ['x', 'y'], after: ['n1', 'n2', 'n3'], panic: 0.5 }];
  const text = 'below its panic share where the release runs, and nowhere else: web';
  assert.deepEqual(halts({ c1: ['n1', 'n2'] }, { services }), [text]);
  assert.deepEqual(halts({ c1: ['n1'] }, { services }), []);
  assert.deepEqual(halts({ c1: ['n1', 'n2'], r1: ['x', 'y'], r2: ['x', 'y'] }, { services }), []);
});

test('halts: poison, a lost server, drift; not of a server in maintenance', () => {
  assert.deepEqual(halts({}, { poison: 'c1 crashed' }), ['the release is poison: c1 crashed']);
  const gone: Partial<HaltView> = { presence: () => ({ is: 'absent', forMs: 30_000 }) };
  assert.deepEqual(halts({}, gone), ['c1 is lost since 30 s']);
  assert.deepEqual(halts({}, { ...gone, excused: new Set(['c1']) }), []);
  const values = new Map([['c1', applied({ drift: { count: 2, samples: [] } })]]);
  assert.deepEqual(halts({}, { values }), ['c1: the data plane differs from the plan in 2 places']);
});

test('drift: three questions, three answers', () => {
  const servers = (values: Record<string, Partial<Applied>>) =>
    driftsOf(NEW, new Map(Object.entries(values).map(([server, more]) => [server, applied(more)])));
  const short = (drifts: readonly Drift[]) => drifts.map(({ server, question }) => `${server} ${question}`);
  assert.deepEqual(short(servers({ a: {}, b: {} })), []);
  assert.deepEqual(short(servers({ b: { running: OLD.root }, a: { running: null } })), ['a configuration', 'b configuration']);
  const odd = { planHash: 'q'.repeat(64) };
  assert.deepEqual(short(servers({ a: {}, b: {}, c: odd })), ['c plan']);
  assert.deepEqual(short(servers({ a: {}, c: odd })), [], 'two that differ have no majority');
  assert.deepEqual(short(servers({ a: {}, b: {}, c: { ...odd, version: '2' } })), [], 'another version may plan otherwise');
  assert.deepEqual(short(servers({ a: { drift: { count: 3, samples: ['web 10.0.0.1 weight'] } } })), ['a data_plane']);
});
