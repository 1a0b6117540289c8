import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diffPlans } from '../../src/config/diff.ts';
import { loadPlan } from '../../src/config/load.ts';

const load = (text: string) => loadPlan(text, 'f', { hostname: 'lb' });
const nothing = { added: [], removed: [], changed: [] };

const base = `cluster: a
nics: [{name: eth2}, {name: eth3}]
services:
  - {name: web, vip: '10.0.0.1:80/tcp', realServers: [10.1.0.1:80, 10.1.0.2:80]}
  - {name: api, vip: '10.0.0.2:80/tcp', realServers: [10.1.0.3:80]}
`;
const to = (from: string, replacement: string) => diffPlans(load(base), load(base.replace(from, replacement)));

describe('the difference of two plans', () => {
  it('is nothing for the same plan', () => {
    const d = diffPlans(load(base), load(`${base}# a comment\n`));
    assert.ok(d.same);
    assert.equal(d.summary, 'nothing changed');
    assert.deepEqual([d.nics, d.services, d.settings], [nothing, nothing, []]);
    assert.deepEqual(d.checks, { added: 0, removed: 0, kept: 3 });
  });

  it('counts checks that come, go and stay', () => {
    const d = to('[10.1.0.1:80, 10.1.0.2:80]', '[10.1.0.9:80, 10.1.0.2:80]');
    assert.deepEqual(d.checks, { added: 1, removed: 1, kept: 2 });
    assert.equal(d.summary, 'service web changed; checks: 1 added, 1 removed, 2 kept');
  });

  it('takes a changed profile for a new check, a changed weight for the same one', () => {
    assert.equal(to('realServers: [10.1.0.3:80]', 'check: {type: http}, realServers: [10.1.0.3:80]').checks.kept, 2);
    const weight = to('[10.1.0.3:80]', '[{address: 10.1.0.3:80, weight: 7}]');
    assert.equal(weight.checks.kept, 3);
    assert.deepEqual(weight.services.changed, ['api']);
  });

  it('sees another check of a real server that has several, and how they are combined', () => {
    const several = to('realServers: [10.1.0.3:80]', 'checks: [{type: tcp}, {type: ping}], realServers: [10.1.0.3:80]');
    assert.deepEqual([several.checks, several.services.changed], [{ added: 1, removed: 0, kept: 3 }, ['api']]);
    const checks = 'checks: [{type: tcp}, {type: ping}], realServers: [10.1.0.3:80]';
    const both = base.replace('realServers: [10.1.0.3:80]', checks);
    const any = both.replace(checks, `combine: any, ${checks}`);
    assert.deepEqual(diffPlans(load(both), load(any)).services.changed, ['api']);
    const reversed = both.replace('{type: tcp}, {type: ping}', '{type: ping}, {type: tcp}');
    assert.deepEqual(diffPlans(load(both), load(reversed)).services.changed, ['api']);
    assert.ok(diffPlans(load(both), load(both.replace('cluster: a', 'cluster:  a'))).same);
  });

  it('names NICs and services', () => {
    const d = to('{name: eth3}]', '{name: eth4, group: bond0}]');
    assert.deepEqual(d.nics, { added: ['eth4'], removed: ['eth3'], changed: [] });
    assert.deepEqual(d.services.changed, ['web', 'api']);
    assert.deepEqual(to('{name: eth3}', '{name: eth3, group: b}').nics.changed, ['eth3']);
    assert.deepEqual(to('name: api', 'name: new').services, { added: ['new'], removed: ['api'], changed: [] });
  });

  it('names what has other actions', () => {
    assert.deepEqual(to('{name: eth3}', '{name: eth3, onFail: [{exec: {command: [/bin/true]}}]}').nics.changed, ['eth3']);
    assert.deepEqual(to('[10.1.0.3:80]', '[10.1.0.3:80], actuator: {exec: {command: [/bin/true]}}').services.changed, ['api']);
  });

  it('says what takes a restart', () => {
    const d = to('cluster: a', 'cluster: b\nlisten: 127.0.0.1:1\nrules: {nic_fail_fraction: 0.8}');
    assert.deepEqual(d.settings, ['cluster', 'listen', 'rules']);
    assert.deepEqual(d.needsRestart, ['cluster', 'listen']);
    assert.equal(d.summary, 'rules changed; cluster, listen changed: takes effect after a restart');
  });

  it('of the etcd of the cluster takes none', () => {
    const tls = '{ca: /a, cert: /b, key: /c}';
    const d = to('cluster: a', `cluster: {name: a, etcd: {endpoints: ['https://192.0.2.1:2379'], tls: ${tls}}}`);
    assert.deepEqual([d.settings, d.needsRestart], [['etcd'], []]);
  });

  it('does not care about order', () => {
    const d = to('[10.1.0.1:80, 10.1.0.2:80]', '[10.1.0.2:80, 10.1.0.1:80]');
    assert.deepEqual(d.checks, { added: 0, removed: 0, kept: 3 });
  });

  it('shortens long lists in the summary', () => {
    const many = Array.from({ length: 8 }, (_, i) => `  - {vip: '10.0.1.${i}:80/tcp', realServers: [10.1.0.1:80]}\n`).join('');
    assert.equal(diffPlans(load(base), load(base + many)).summary, '8 services added');
  });

  it('accounts for every target of both plans, for any two plans', () => {
    const plan = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }).map((hosts) => {
      const servers = hosts.map((h) => `10.1.0.${h}:80`).join(', ');
      return load(`nics: [{name: eth0}]\nservices: [{vip: '10.0.0.1:80/tcp', realServers: [${servers}]}]\n`);
    });
    fc.assert(
      fc.property(plan, plan, (a, b) => {
        const keys = (p: typeof a) => new Set(p.targets.map((t) => t.key));
        const [before, after] = [keys(a), keys(b)];
        const { added, removed, kept } = diffPlans(a, b).checks;
        assert.equal(added, after.difference(before).size);
        assert.equal(removed, before.difference(after).size);
        assert.equal(kept, after.intersection(before).size);
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe('a reload of 10 000 real servers with 1 % changed', () => {
  const text = (changed: boolean) => {
    const lines = ['nics: [{name: eth2}, {name: eth3}]', 'services:'];
    for (let s = 0; s < 10; s++) {
      lines.push(`  - name: s${s}`, `    vip: 10.0.0.${s + 1}:80/tcp`, '    realServers:');
      for (let r = 0; r < 1000; r++) {
        const port = 1000 + r + (changed && r % 100 === 0 ? 9000 : 0);
        lines.push(r % 2 ? `      - 10.1.${s}.1:${port}` : `      - {address: 10.2.${s}.1:${port}, weight: 50, rack: r${s}}`);
      }
    }
    return `${lines.join('\n')}\n`;
  };
  // How long it takes is a row of the bench: a unit test must not fail because the machine is busy.
  it('keeps what is unchanged', () => {
    const diff = diffPlans(load(text(false)), load(text(true)));
    assert.deepEqual(diff.checks, { added: 100, removed: 100, kept: 9900 });
  });
});
