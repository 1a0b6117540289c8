import assert from 'node:assert/strict';
import { it } from 'node:test';
import { none } from '../../src/act/none.ts';
import { planEffects } from '../../src/act/effects.ts';
import { planOf, wantedOf } from './world.ts';

it('none makes no effects, whatever is wanted', () => {
  const plan = planOf(`nics: [{name: eth2, onFail: [none]}]
services: [{vip: '10.0.0.1:80/tcp', realServers: [10.1.0.1:80], actuator: none}]
`);
  const wanted = wantedOf(plan, (w) => {
    w.nicEnabled.fill(0);
    w.weight[0]?.fill(0);
    w.path[0]?.fill(0);
  });
  assert.equal(planEffects(plan).wanted(wanted, []).size, 0);
});

it('none changes nothing when performed all the same', async () => {
  const spec = { type: 'none' };
  const effect = {
    key: 'k',
    spec,
    kind: 'nic',
    cluster: 'c',
    server: 's',
    state: 'ok',
    verdict: 'OK',
    cause: 'none',
    reason: '',
  } as const;
  assert.equal(await none.perform(spec, [effect], { announce: false, notes: [] }), 'unchanged');
});
