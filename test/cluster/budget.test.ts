import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acted, type BudgetView, decide, decideBlind, giveUp, maxOf } from '../../src/cluster/budget/budget.ts';
import { admit, NO_FENCE } from '../../src/cluster/budget/fence.ts';
import type { Fenced } from '../../src/cluster/txn-plan.ts';
import type { BudgetHolder, BudgetRule, RosterEntry } from '../../src/cluster/values.ts';

const AT = '2026-11-28T12:00:00Z';
const rule = (more: Partial<BudgetRule> = {}): BudgetRule => ({
  scope: 'cluster',
  max: { servers: 1 },
  floor: 1,
  blind: 0,
  ...more,
});
const holder = (name: string, create = 5, subjects = ['server']): Fenced<BudgetHolder> => ({
  value: { by: name, at: AT, why: 'ill', boot: 'b', subjects, state: 'asked' },
  create,
  mod: create,
});

interface World {
  readonly rule?: BudgetRule;
  readonly holders?: Record<string, Fenced<BudgetHolder>>;
  readonly gone?: readonly string[];
  readonly silent?: readonly string[];
  readonly size?: number;
}

/** Four servers, two a site, each in a rack of its own. */
function view({ rule: own = rule(), holders = {}, gone = [], silent = [], size = 4 }: World): BudgetView {
  const roster = new Map(
    Array.from({ length: size }, (_, i): [string, RosterEntry] => [
      `lb-${i}`,
      { ring: 'r', site: i < size / 2 ? 's1' : 's2', rack: `k${i}` },
    ]),
  );
  return {
    rule: { value: own, mod: 3 },
    gate: 4,
    holders: new Map(Object.entries(holders)),
    roster,
    gone: (server) => (gone.includes(server) ? 'absent' : undefined),
    announcing: (server) => !gone.includes(server) && !silent.includes(server),
  };
}
const ask = (server: string, world: World = {}, subject = 'server') =>
  decide({ budget: 'out', server, subject, why: 'ill', boot: 'b', at: AT }, view(world));
const reason = (server: string, world: World) => {
  const decision = ask(server, world);
  return decision.granted ? 'granted' : decision.reason;
};

test('a grant compares rule, gate and own key, and rewrites the gate', () => {
  const decision = ask('lb-0');
  assert.ok(decision.granted);
  assert.deepEqual(decision.txn.compare, [
    { key: 'budget/out/rule', mod: 3 },
    { key: 'budget/out/gate', mod: 4 },
    { key: 'budget/out/holder/lb-0', mod: 0 },
  ]);
  assert.deepEqual(
    decision.txn.writes.map(({ key }) => key),
    ['budget/out/gate', 'budget/out/holder/lb-0'],
  );
});

test('whoever is gone counts: holders, absent, in maintenance', () => {
  assert.equal(reason('lb-0', { holders: { 'lb-1': holder('lb-1') } }), 'full');
  assert.equal(reason('lb-0', { gone: ['lb-2'] }), 'full');
  assert.equal(
    reason('lb-0', { gone: ['lb-2'], holders: { 'lb-2': holder('lb-2') }, rule: rule({ max: { servers: 2 } }) }),
    'granted',
  );
  const decision = ask('lb-0', { holders: { 'lb-1': holder('lb-1') }, gone: ['lb-3'] });
  assert.equal(decision.text, 'budget "out": 2 of at most 1 are gone: lb-1, lb-3');
});

test('the floor is kept, and who does not announce does not count for it', () => {
  const five = rule({ max: { servers: 4 }, floor: 3 });
  assert.equal(reason('lb-0', { rule: five }), 'granted');
  assert.equal(reason('lb-0', { rule: five, silent: ['lb-1'] }), 'floor');
  assert.match(ask('lb-0', { rule: five, silent: ['lb-1'] }).text, /2 others would go on announcing; at least 3 must/);
});

test('a holder may take out more of itself: it has no capacity to lose', () => {
  const held = { 'lb-0': holder('lb-0', 5, ['nic eth0']), 'lb-1': holder('lb-1') };
  const decision = ask('lb-0', { holders: held }, 'nic eth1');
  assert.ok(decision.granted);
  const [, put] = decision.txn.writes;
  assert.deepEqual((put as { value: BudgetHolder }).value.subjects, ['nic eth0', 'nic eth1']);
});

test('scopes: a site or a rack has a budget of its own', () => {
  const held = { 'lb-1': holder('lb-1') };
  assert.equal(reason('lb-0', { rule: rule({ scope: 'site' }), holders: held }), 'full');
  assert.equal(reason('lb-2', { rule: rule({ scope: 'site' }), holders: held }), 'granted');
  assert.equal(reason('lb-0', { rule: rule({ scope: 'rack', floor: 0 }), holders: held }), 'granted');
});

test('max is the greater of a number and a share, rounded down', () => {
  assert.equal(maxOf(rule({ max: { servers: 1, share: 0.1 } }), 5), 1);
  assert.equal(maxOf(rule({ max: { servers: 1, share: 0.1 } }), 30), 3);
  assert.equal(maxOf(rule({ max: { share: 0.3 } }), 10), 3, '0.3 × 10 is 3, whatever a float says');
  assert.equal(maxOf(rule({ max: { servers: 0 } }), 10), 0);
});

test('without a rule, or out of the roster, nothing is granted', () => {
  const { rule: _, ...without } = view({});
  const asking = { budget: 'out', server: 'lb-0', subject: 'server', why: '', boot: 'b', at: AT };
  assert.match(decide(asking, without).text, /there is no budget "out"/);
  assert.equal(reason('lb-9', {}), 'not_in_roster');
});

test('a slot is given up with its last subject', () => {
  const own = holder('lb-0', 5, ['nic eth0', 'nic eth1']);
  const first = giveUp('out', 'lb-0', 'nic eth0', own)!;
  assert.deepEqual(first.compare, [{ key: 'budget/out/holder/lb-0', mod: 5 }]);
  assert.equal(first.writes[0]!.op, 'put');
  assert.equal(giveUp('out', 'lb-0', 'nic eth1', holder('lb-0', 5, ['nic eth1']))!.writes[0]!.op, 'delete');
  assert.equal(giveUp('out', 'lb-0', 'nic eth7', own), undefined);
  assert.equal(giveUp('out', 'lb-0', 'server', undefined), undefined);
  assert.deepEqual((acted('out', 'lb-0', own).writes[0] as { value: BudgetHolder }).value.state, 'acted');
});

test('while etcd does not answer only what the rule leaves to each server is allowed', () => {
  assert.deepEqual(decideBlind(undefined, 0).granted, false);
  assert.deepEqual(decideBlind(rule(), 0).granted, false);
  assert.deepEqual(decideBlind(rule({ blind: 1 }), 0).granted, true);
  assert.match(decideBlind(rule({ blind: 1 }), 1).text, /etcd does not answer: 1 of 1 acts/);
});

test('an act on an older fence is refused; a restored etcd begins again', () => {
  const guard = admit(NO_FENCE, 0, 7)!;
  assert.deepEqual(admit(guard, 0, 7), guard, 'the same tenure');
  assert.equal(admit(guard, 0, 6), undefined);
  assert.deepEqual(admit(guard, 1, 2), { epoch: 1, newest: 2 });
  assert.equal(admit({ epoch: 1, newest: 2 }, 0, 9), undefined);
});
