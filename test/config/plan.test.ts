import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadPlan } from '../../src/config/load.ts';
import { canonical } from '../../src/model/canonical.ts';
import { DEFAULT_CHECK } from '../../src/config/profiles.ts';
import { type ConfigView, inspect } from '../../src/config/semantics.ts';
import { topologyOf } from '../../src/model/topology.ts';

const load = (text: string) => loadPlan(text, 'f', { hostname: 'lb-7' });
const fixture = (name: string) =>
  load(readFileSync(join(import.meta.dirname, '../fixtures/config', `good-${name}.yaml`), 'utf8'));

describe('defaults', () => {
  const plan = fixture('minimal');
  it('fill what the file leaves out', () => {
    assert.equal(plan.cluster, 'default');
    assert.equal(plan.server, 'lb-7');
    assert.deepEqual(plan.listen, { host: '127.0.0.1', port: 9844 });
    assert.equal(plan.stateDir, '/var/lib/fourlane');
    assert.deepEqual(plan.nics, [{ name: 'eth0', device: 'eth0', group: 'eth0', anchors: [], onFail: [] }]);
    assert.deepEqual(plan.services, [
      {
        name: '10.0.0.1:80/tcp',
        vip: '10.0.0.1:80/tcp',
        nics: [0],
        panic: 0.5,
        realServers: [{ target: 0, weight: 100 }],
        actuator: { type: 'none' },
      },
    ]);
    const { type, interval, timeout, fall, rise } = plan.targets[0]!.check;
    assert.deepEqual([type, interval, timeout, fall, rise], ['tcp', 1000, 500, 3, 2]);
    assert.deepEqual(plan.web, {});
  });
  it('keep the default timeout below a short interval', () => {
    assert.equal(fixture('several-checks').targets.at(-1)?.check.timeout, 300);
  });
});

describe('targets', () => {
  const { targets, services } = fixture('several-checks');
  it('are shared by services with equal checks, whatever the profile is called and written like', () => {
    assert.equal(services[0]?.realServers[0]?.target, services[1]?.realServers[0]?.target);
  });
  it('have plain ids, with the profile only where a real server has several', () => {
    assert.deepEqual(
      targets.map((t) => t.id.replace(/-[0-9a-f]{6}$/, '-…')),
      ['10.1.0.1:80#web', '10.1.0.2:80', '10.1.0.1:80#tcp', '10.1.0.1:80#http-…', '10.1.0.1:80#http-…', '10.1.0.3:53'],
    );
    assert.ok(targets.every((t) => t.id.startsWith(t.realServer)));
  });
  it('of a real server with several checks: the first names it, what means the same is made once', () => {
    const { targets: all, services: three } = fixture('combined');
    assert.deepEqual(
      all.map((t) => t.id),
      [
        '10.1.0.1:80#web',
        '10.1.0.1:80#same',
        '10.1.0.1:80#ping',
        '10.1.0.2:80#web',
        '10.1.0.2:80#same',
        '10.1.0.2:80#ping',
      ].concat(all.slice(6).map((t) => t.id)),
    );
    assert.match(all[6]!.id, /^10\.1\.0\.1:53#dns-[0-9a-f]{6}$/);
    assert.deepEqual(three[0]!.realServers, [
      { target: 0, further: [1, 2], weight: 100 },
      { target: 3, further: [4, 5], weight: 100 },
    ]);
    assert.deepEqual([three[1]!.combine, three[1]!.realServers], ['any', [{ target: 6, further: [7], weight: 100 }]]);
    assert.deepEqual([three[2]!.combine, three[2]!.realServers], [undefined, [{ target: 8, weight: 100 }]]);
    const topology = topologyOf(fixture('combined'));
    assert.deepEqual(topology.services[0]!.realServers, [0, 3]);
    assert.deepEqual(
      [...topology.services[0]!.further!],
      [
        [0, [1, 2]],
        [1, [4, 5]],
      ],
    );
    assert.ok(!('further' in topology.services[2]!) && !('combine' in topology.services[2]!));
  });
  it('go where the profile says instead, under the name of the real server', () => {
    const check = 'check: {type: tcp, connectIp: "fd72::9", connectPort: 8080, mark: 7}';
    const plan = load(`nics: [{name: eth0}]\nservices:\n  - {vip: '10.0.0.1:80/tcp', ${check}, realServers: [10.1.0.1:80]}\n`);
    const [target] = plan.targets;
    assert.deepEqual([target!.id, target!.realServer, target!.check.mark], ['10.1.0.1:80', '10.1.0.1:80', 7]);
    assert.deepEqual(target!.address, { family: 6, ip: 'fd72::9', port: 8080 });
    const port = load(
      'nics: [{name: eth0}]\nservices:\n' +
        "  - {vip: '10.0.0.1:80/tcp', check: {type: tcp, connectPort: 9}, realServers: [10.1.0.1]}\n",
    );
    assert.deepEqual(port.targets[0]!.address, { family: 4, ip: '10.1.0.1', port: 9 });
  });
  it('keep their keys when only names and order change', () => {
    const text = (check: string, more: string) =>
      `nics: [{name: eth0}]\nchecks: {${check}: {type: http}}\nservices:\n${more}  - {vip: '10.0.0.1:80/tcp', check: ` +
      `${check}, realServers: [10.1.0.1:80]}\n`;
    const a = load(text('web', ''));
    const b = load(text('renamed', "  - {vip: '10.0.0.9:80/tcp', realServers: [10.1.0.9:80]}\n"));
    assert.equal(a.targets[0]?.key, b.targets[1]?.key);
  });
  it('take the rack of their host wherever it is named', () => {
    const servers = '{address: 10.1.0.1:80, rack: r7}, 10.1.0.1:81';
    const plan = load(`nics: [{name: eth0}]\nservices: [{vip: '10.0.0.1:80/tcp', realServers: [${servers}]}]\n`);
    assert.deepEqual(
      plan.targets.map((t) => t.rack),
      ['r7', 'r7'],
    );
  });
});

describe('addresses', () => {
  const plan = fixture('ipv6');
  it('are canonical', () => {
    assert.equal(plan.services[0]?.vip, '[fd71::100]:80/tcp');
    assert.deepEqual(
      plan.targets.map((t) => t.id),
      ['[fd72::11]:80', '[fe80::21%eth2]:80', '10.1.0.1', 'fd72::12'],
    );
    assert.equal(plan.targets[1]?.address.scope, 'eth2');
    assert.equal(plan.nics[0]?.source, 'fd00::10');
  });
  it('of anchors are pinged, or connected to with tcp://', () => {
    assert.deepEqual(
      plan.nics[0]?.anchors.map((a) => [a.id, a.type, a.address.port]),
      [
        ['fd00::1', 'ping', 0],
        ['tcp://[fd00::1]:179', 'tcp', 179],
        ['fe80::1%eth2', 'ping', 0],
      ],
    );
  });
});

describe('actions', () => {
  const plan = fixture('actions');
  it('become specs with every default filled in', () => {
    assert.deepEqual(plan.nics[0]?.onFail, [
      { type: 'none' },
      { type: 'trackFile', path: '/run/fourlane/eth2', ok: 0, failed: -20 },
      { type: 'exec', command: ['/etc/fourlane/withdraw', 'eth2'], timeout: 2000 },
      { type: 'webhook', url: 'https://192.0.2.80/fourlane', headers: { authorization: 'Bearer abc' }, timeout: 3000 },
    ]);
    assert.deepEqual(plan.services[0]?.actuator, { type: 'exec', command: ['/etc/fourlane/service'], timeout: 5000 });
  });
  it('leave the rest of the file in the plan too', () => {
    assert.deepEqual(plan.rules, { nic_fail_fraction: 0.8 });
    assert.equal(plan.evidenceLog, '/var/log/fourlane/evidence.jsonl');
    assert.equal(plan.web.username, 'ops');
    assert.equal(topologyOf(plan).rules.nic_fail_fraction, 0.8);
  });
});

describe('the revision', () => {
  const base = { cluster: 'a', weight: 5, interval: '1s', rack: 'r1', panic: 0.5, path: '/run/a' };
  const text = (c: typeof base) => `cluster: ${c.cluster}
nics: [{name: eth0, onFail: [{trackFile: {path: ${c.path}}}]}]
services:
  - vip: 10.0.0.1:80/tcp
    panic: ${c.panic}
    check: {type: tcp, interval: ${c.interval}}
    realServers: [{address: 10.1.0.1:80, weight: ${c.weight}, rack: ${c.rack}}]
`;
  it('is equal for files that mean the same', () => {
    assert.equal(load(text(base)).revision, load(`# a note\n${text(base).replaceAll('/tcp', '/tcp  # x')}`).revision);
  });
  it('differs when anything in the plan differs', () => {
    const changes = [{ cluster: 'b' }, { weight: 6 }, { interval: '2s' }, { rack: 'r2' }, { panic: 0.6 }, { path: '/run/b' }];
    const revisions = [base, ...changes.map((change) => ({ ...base, ...change }))].map((c) => load(text(c)).revision);
    assert.equal(new Set(revisions).size, revisions.length);
  });
});

describe('canonical', () => {
  it('is the same for the same value in any order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed());
        assert.equal(canonical(reversed), canonical(value));
      }),
    );
  });
});

describe('the size of a plan', () => {
  const view = (count: number, nics: number): ConfigView => {
    const servers = Array.from({ length: count }, (_, i) => ({
      family: 4 as const,
      ip: `10.${i >> 14}.${(i >> 6) & 255}.${i & 63}`,
      port: 80,
    }));
    const realServers = servers.map((address) => ({ address, weight: 1, rack: undefined }));
    const service = {
      name: 'a',
      vip: '10.0.0.1:80/tcp',
      check: DEFAULT_CHECK,
      panic: 0,
      actuator: { type: 'none' },
      nics: undefined,
      realServers,
    };
    const shared = { ...service, name: 'b', vip: '10.0.0.2:80/tcp' };
    const nicNames = new Set<string>();
    return {
      nics: Array.from({ length: nics }, () => undefined),
      onIsolated: [],
      services: [service, shared],
      nicNames,
      checkNames: nicNames,
      checks: {},
      rules: {},
    };
  };
  it('is limited, real servers counted once however many services share them', () => {
    assert.deepEqual(inspect(view(31_250, 64)), []);
    assert.deepEqual(inspect(view(31_251, 64)), [
      { path: ['services'], message: 'found 2000064 real servers × NICs; allowed: at most 2000000 for one agent' },
    ]);
  });
});
