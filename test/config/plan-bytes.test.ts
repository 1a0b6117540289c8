import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { loadPlan, loadPlanFile } from '../../src/config/load.ts';
import { packPlan, unpackPlan } from '../../src/config/plan-bytes.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import type { Plan } from '../../src/model/plan.ts';

const WITH_ALL = `nics: [{name: eth0}, {name: eth1, group: g, anchors: [192.0.2.1]}]
evidence: {log: /tmp/e}
checks: {slow: {type: tcp, interval: 9s}, web: {type: http, path: /x}}
services:
  - {vip: '10.0.0.1:80/tcp', check: slow, realServers: ['10.1.0.1:80', {address: '[fe80::1%eth0]:80', weight: 5, rack: r7}]}
  - {vip: '10.0.0.2:80/tcp', check: web, nics: [eth1], realServers: ['10.1.0.1:80', '[fd72::11]:8080']}
`;

test('every plan comes back as it was: those of all fixtures, and one with scopes, racks and several checks of a server', () => {
  const plans: Plan[] = [loadPlan(WITH_ALL, 'all', { hostname: 'h' })];
  for (const file of globSync('test/fixtures/config/**/*.yaml')) {
    try {
      plans.push(loadPlanFile(file, { hostname: 'h' }));
    } catch (error) {
      assert.ok(error instanceof FourlaneError); // fixtures of what is refused
    }
  }
  assert.ok(plans.length > 3);
  for (const plan of plans) assert.deepEqual(unpackPlan(packPlan(plan)), plan);
  const [first] = plans;
  assert.deepEqual([...new Set(first!.targets.map((t) => t.id.includes('#')))], [true, false]);
  const odd = { ...first!, targets: first!.targets.map((t) => ({ ...t, key: `other ${t.key}` })) };
  assert.deepEqual(unpackPlan(packPlan(odd)), odd);
});

test('targets with the same check share it, as before', () => {
  const plan = unpackPlan(packPlan(loadPlan(WITH_ALL, 'all', { hostname: 'h' })));
  assert.equal(plan.targets[0]!.check, plan.targets[1]!.check);
});

test('targets that are the same in the former plan are taken from it, others are not', () => {
  const variants = [
    WITH_ALL,
    WITH_ALL.replace('interval: 9s', 'interval: 8s'),
    WITH_ALL.replace('rack: r7', 'rack: r8'),
    WITH_ALL.replace(', rack: r7', ''),
    WITH_ALL.replace('%eth0', '%eth1'),
    WITH_ALL.replace("'10.1.0.1:80', {", "'10.1.0.9:80', '10.1.0.1:80', {"),
    WITH_ALL.replace("realServers: ['10.1.0.1:80', '[fd72::11]:8080']", "realServers: ['[fd72::11]:8080']"),
  ];
  const plans = variants.map((text) => loadPlan(text, 'all', { hostname: 'h' }));
  for (const former of plans)
    for (const next of plans) {
      const made = unpackPlan(packPlan(next), former);
      assert.deepEqual(made, next);
      const same = new Map(former.targets.map((t) => [JSON.stringify(t), t]));
      for (const t of made.targets) assert.equal(former.targets.includes(t), same.has(JSON.stringify(t)), t.id);
    }
});
