/** Real servers with several checks in the status and in metrics: one row each, with the verdict of the check that decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JudgeFamilies } from '../../src/report/families.ts';
import { reportStatus } from '../../src/report/report.ts';
import type { Plan } from '../../src/model/plan.ts';
import { fakeView, makePlan, RS_FAULT } from './fake-view.ts';

/** Two real servers with three checks each; the last check of the second one is down. */
function worldOf(combine?: 'any') {
  const plan = makePlan(2, 6, 1);
  const members = [0, 3].map((target) => ({ target, further: [target + 1, target + 2], weight: 100 }));
  const [web] = plan.services;
  const services = [{ ...web!, realServers: members, ...(combine === undefined ? {} : { combine }) }];
  const several: Plan = { ...plan, services };
  const down = (target: number, cause: 'refused' | 'l7' = 'refused') => ({ ...RS_FAULT, rs: plan.targets[target]!.id, cause });
  return { plan: several, down };
}

test('all: the real server has the verdict of the check that is down, and all of them beside it', () => {
  const { plan, down } = worldOf();
  const { services, realServers } = reportStatus(fakeView({ plan, verdicts: [down(5)] }));
  assert.deepEqual(realServers, { total: 6, up: 5 });
  const [web] = services;
  assert.deepEqual(web!.states, { up: 1, down: web!.states.down, held: web!.states.held });
  assert.equal(web!.states.down + web!.states.held, 1);
  const second = web!.realServers[1]!;
  assert.deepEqual([second.target, second.verdict, second.cause], [plan.targets[3]!.id, 'RS_DOWN', 'refused']);
  assert.deepEqual(
    second.checks!.map(({ target, type, verdict }) => `${target} ${type} ${verdict}`),
    [3, 4, 5].map((target) => `${plan.targets[target]!.id} http ${target === 5 ? 'RS_DOWN' : 'OK'}`),
  );
});

test('any: it is up while one check is good', () => {
  const { plan, down } = worldOf('any');
  const states = (...targets: number[]) => {
    const { services } = reportStatus(fakeView({ plan, verdicts: targets.map((target) => down(target)) }));
    return services[0]!.realServers.map(({ state, verdict }) => `${state === 'up' ? 'up' : 'not up'} ${verdict}`);
  };
  assert.deepEqual(states(3, 5), ['up OK', 'up OK']);
  assert.deepEqual(states(3, 4, 5), ['up OK', 'not up RS_DOWN']);
});

test('a weight that a check says is the wanted one, and the real server is altered', () => {
  const { plan } = worldOf();
  const view = fakeView({ plan });
  const { dynamic } = view.wanted();
  dynamic.by[4] = 2;
  dynamic.value[4] = -60;
  const weights = reportStatus(view, 'altered').services[0]!.realServers.map(({ target, weight }) => [target, weight]);
  assert.deepEqual(weights, [[plan.targets[3]!.id, { configured: 100, wanted: 40 }]]);
  dynamic.value[4] = -100;
  assert.equal(reportStatus(view).services[0]!.enabled, 1);
  const { values } = new JudgeFamilies(view).families().find(({ name }) => name === 'fourlane_real_server_weight')!;
  assert.deepEqual(Array.from(values, Number), [100, 100, 100, 0]);
});

test('metrics: a series for each real server, not for each check', () => {
  const { plan, down } = worldOf();
  const families = new JudgeFamilies(fakeView({ plan, verdicts: [down(4), down(5), down(3, 'l7')] })).families();
  const rows = (name: string) => {
    const { rows: labels, values } = families.find((each) => each.name === `fourlane_${name}`)!;
    return labels.map((row, k) => `${row.slice(1, 2).join()} ${values[k]}`);
  };
  const [first, second] = [plan.targets[0]!.realServer, plan.targets[3]!.realServer];
  assert.deepEqual(rows('real_server_up'), [`${first} 1`, `${second} 0`]);
  assert.deepEqual(rows('real_server_verdict'), [`${second} 1`]);
});
