/** The file as a whole, for recorded machines. UPDATE_GOLDEN=1 writes the recorded files anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { dpvs as collector } from '../../src/collect/dpvs.ts';
import { readOnce } from '../../src/collect/once.ts';
import { loadPlan } from '../../src/config/load.ts';
import { checkProblem } from '../../src/config/profiles.ts';
import { write } from '../../src/init/write.ts';
import type { Plan } from '../../src/model/plan.ts';
import { FakeDpvs, ONE_HOST, replay } from '../collect/dpvs-fake.ts';
import type { Machine } from '../doctor/fake-host.ts';
import { edge, fixture, seen, small } from './machine.ts';

const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const one of cleanups) await one();
});

type More = Parameters<typeof seen>[1];

/** The file, twice the same, and the plan that check-config makes of it. */
async function made(machine: Machine, more: More = {}): Promise<{ text: string; plan: Plan }> {
  const { text } = write(await seen(machine, more), { problemOf: checkProblem, imports: false });
  assert.equal(
    write(await seen(machine, more), { problemOf: checkProblem, imports: false }).text,
    text,
    'a second run gives the same bytes',
  );
  return { text, plan: loadPlan(text, 'made', { hostname: 'lb-01' }) };
}

function golden(name: string, text: string): void {
  const file = new URL(`../fixtures/init/${name}.yaml`, import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
}

/** Every line of a value ends in a comment that names a source, or stands in a block that one line introduces. */
const unexplained = (text: string) =>
  text.split('\n').filter((each) => /^\s+(?:- \S|\w+: \S)/.test(each) && !/ # \S/.test(each) && !/^\s+checks?: /.test(each));

describe('a machine with kernel LVS, a bond with VLANs, policy tables', () => {
  const machine: Machine = { commands: edge(), files: { '/proc/net/ip_vs': fixture('ipvs/proc_ip_vs.txt') } };

  it('is what is recorded; every line says where it is from', async () => {
    const { text } = await made(machine);
    golden('lvs', text);
    assert.deepEqual(unexplained(text), []);
  });

  it('services with weights, checks by protocol, and the NICs that lead to their real servers', async () => {
    const { plan } = await made(machine);
    const shown = plan.services.map(({ vip, realServers, nics }) => {
      const each = realServers.map(({ target, weight }) => `${plan.targets[target]!.realServer}*${weight}`);
      return `${vip} ${each.join(' ')} on ${nics.map((nic) => plan.nics[nic]!.name).join(' ')}`;
    });
    assert.equal(shown[0], '192.0.2.10:53/udp 10.0.1.2:53*1 10.0.2.2:53*2 on bond0.200 eth0 eth1');
    assert.deepEqual(new Set(plan.targets.map(({ check }) => check.type)), new Set(['tcp', 'ping']));
    assert.deepEqual(
      plan.services.map(({ actuator }) => actuator.type),
      plan.services.map(() => 'none'),
    );
  });
});

describe('a machine with keepalived', () => {
  const conf = (name: string) => [`/etc/keepalived/${name}`, fixture(`init/keepalived/${name}`)] as const;
  const files = Object.fromEntries(['keepalived.conf', 'conf.d/mail.conf', 'conf.d/shop.conf'].map(conf));
  const table = { '/proc/net/ip_vs': fixture('init/keepalived/proc_ip_vs.txt') };

  it('is what is recorded: services, weights and checks of its file, with includes and groups', async () => {
    const { text, plan } = await made({ commands: edge(), files });
    golden('keepalived', text);
    assert.deepEqual(unexplained(text), []);
    assert.deepEqual(
      plan.services.map(({ vip }) => vip),
      [
        '203.0.113.10:80/tcp',
        '203.0.113.11:25/tcp',
        '203.0.113.20:443/tcp',
        '203.0.113.21:443/tcp',
        '203.0.113.30:53/udp',
        'fwmark:7',
      ],
    );
  });

  it('real servers that only IPVS has are added; those of a mark are the same with and without port', async () => {
    const { text, plan } = await made({ commands: edge(), files: { ...files, ...table } });
    const shown = (vip: string) => {
      const { realServers } = plan.services.find((service) => service.vip === vip)!;
      return realServers.map(({ target, weight }) => `${plan.targets[target]!.realServer}*${weight}`);
    };
    assert.deepEqual(shown('203.0.113.10:80/tcp'), [
      '10.9.0.5:8080*3',
      '10.9.0.6:8080*100',
      '10.9.0.7:8080*1',
      '10.9.0.8:8080*4',
    ]);
    assert.deepEqual(shown('fwmark:7'), ['10.200.0.50:443*1']);
    assert.deepEqual(shown('203.0.113.40:80/tcp'), ['10.9.0.5:80*1']);
    assert.match(text, /^ {6}- \{address: 10\.9\.0\.8:8080, weight: 4\} # IPVS \(Masq\)$/m);
    assert.match(text, /^ {2}- vip: 203\.0\.113\.10:80\/tcp # from .*, also in IPVS$/m);
  });

  it('imported instead: its services are not written, the others are', async () => {
    const more = { commands: edge(), files: { ...files, ...table } };
    const { text } = write(await seen(more), { problemOf: checkProblem, imports: true });
    assert.match(text, /^import:\n {2}keepalived: \{file: \/etc\/keepalived\/keepalived\.conf, mode: shadow\}$/m);
    assert.deepEqual(
      [...text.matchAll(/^ {2}- vip: (\S+)/gm)].map(([, vip]) => vip),
      ['203.0.113.40:80/tcp'],
    );
    assert.match(text, /^# {3}203\.0\.113\.10:80\/tcp from \/etc\/keepalived\/keepalived\.conf:11$/m);
    assert.match(text, /^# {3}IPVS \(Masq\): 10\.9\.0\.8:8080 of 203\.0\.113\.10:80\/tcp: \/etc\/\S+ does not have it$/m);
  });

  it('the file that the process was started with, in its own view of the file system', async () => {
    const processes = { keepalived: [812, 813] };
    const started = {
      '/proc/812/cmdline': 'keepalived\0-f\0/etc/other.conf\0',
      '/proc/813/cmdline': 'keepalived\0-f\0/etc/other.conf\0',
      '/proc/812/root/etc/other.conf': 'virtual_server 203.0.113.50 80 {\nprotocol TCP\nreal_server 10.9.0.5 80 {\n}\n}\n',
    };
    const { text, plan } = await made({ commands: edge(), files: { ...files, ...started }, processes });
    assert.deepEqual(
      plan.services.map(({ vip }) => vip),
      ['203.0.113.50:80/tcp'],
    );
    assert.match(text, /^#   keepalived +found +\/etc\/other\.conf: 1 service$/m);
    assert.match(text, /# from \/etc\/other\.conf:1$/m);
    assert.ok(!text.includes('812'));
  });

  it('a check that is not valid for us is left out with the reason, and the file stays valid', async () => {
    const regex = 'HTTP_GET {\nurl {\npath /\nregex "(?<=a)b"\n}\n}\n';
    const conf = `virtual_server 203.0.113.50 80 {\nprotocol TCP\nreal_server 10.9.0.5 80 {\n${regex}}\n}\n`;
    const { text, plan } = await made({ commands: edge(), files: { '/usr/local/etc/keepalived/keepalived.conf': conf } });
    assert.deepEqual(new Set(plan.targets.map(({ check }) => check.type)), new Set(['tcp']));
    assert.match(
      text,
      /^# {3}HTTP_GET at \/usr\/local\/etc\/keepalived\/keepalived\.conf:4: a check of 10\.9\.0\.5:80 in .*: matches: /m,
    );
  });
});

describe('a machine with DPVS', () => {
  /** What the kernel shows of it: its two ports by name, and a NIC for management. */
  const commands = small(
    [
      { name: 'eth0', addresses: ['10.0.0.5/24'], mac: '02:00:00:00:00:05' },
      { name: 'dpdk0.kni', kind: 'tun', addresses: ['10.71.0.2/24'] },
      { name: 'inside', kind: 'tun', addresses: ['10.72.0.2/24'], mac: '02:dd:00:00:00:02' },
    ],
    [
      ['default', 'eth0', '10.0.0.1'],
      ['10.0.0.0/24', 'eth0'],
      ['10.71.0.0/24', 'dpdk0.kni'],
      ['10.72.0.0/24', 'inside'],
    ],
  );

  it('is what is recorded: NICs with their ports, services with the NIC of their local addresses', async () => {
    const server = await new FakeDpvs(replay(ONE_HOST)).listen();
    cleanups.push(() => server.close());
    const collect = (_: string, settings: unknown) =>
      readOnce(collector, { ...(settings as object), socket: server.path }, {}, () => undefined);
    const { text, plan } = await made({ commands }, { collect });
    golden('dpvs', text);
    assert.deepEqual(unexplained(text), []);
    assert.deepEqual(
      plan.nics.map(({ name, dataplane }) => `${name} ${dataplane}`),
      ['dpdk0.kni dpdk0', 'inside dpdk1'],
    );
    const web = plan.services.find(({ vip }) => vip === '10.71.0.100:80/tcp')!;
    assert.deepEqual(web.nics, [1]);
  });
});

describe('docs/init.md', () => {
  it('shows lines that are written', () => {
    const [, sample = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/init.md', 'utf8')) ?? [];
    const written = new Set(fixture('init/keepalived.yaml').split('\n'));
    const lines = sample.trimEnd().split('\n');
    assert.ok(lines.length > 20);
    assert.deepEqual(
      lines.filter((each) => !written.has(each)),
      [],
    );
  });
});

describe('a machine with nothing', () => {
  it('says what it looked for, and is valid', async () => {
    const { text, plan } = await made({});
    golden('nothing', text);
    assert.deepEqual([plan.nics.map(({ name }) => name), plan.services], [['lo'], []]);
    for (const source of ['keepalived', 'ipvs', 'dpvs', 'network', 'etcd', 'prometheus'])
      assert.match(text, new RegExp(`^#   ${source} `, 'm'));
  });
});

describe('what others have written', () => {
  it('stays in its place: names that are YAML, comments, more lines, invisible characters', async () => {
    const names = ['eth0', 'true', '0x1f', '- a: b', '{x}', '#c', "it's", 'e\u202ex', '1.5', '[v]'];
    const links = names.map((name, i) => ({ name: name.replace(/[ :]/g, ''), addresses: [`10.${i}.0.1/24`] }));
    const routes = links.map(({ name }, i) => ['default', name, `10.${i}.0.254`] as const);
    const machine = {
      commands: small(links, routes),
      files: { '/etc/default/etcd': 'ETCD_LISTEN_CLIENT_URLS=https://a\nevil: 1\n' },
    };
    const { text } = write(await seen(machine), { problemOf: checkProblem, imports: false });
    const used = links.map(({ name }) => name).filter((name) => !name.includes('\u202e'));
    assert.ok(!text.includes('\u202e') && !/^evil/m.test(text));
    assert.match(text, /^ {2}# left out: e\\u202ex: the file takes no such name$/m);
    const plan = loadPlan(text, 'made', { hostname: 'lb-01' });
    assert.deepEqual(new Set(plan.nics.map(({ name }) => name)), new Set(used));
  });

  it('10 000 real servers are written and read', async () => {
    const hex = (number: number) => number.toString(16).toUpperCase().padStart(8, '0');
    const lines = fixture('ipvs/proc_ip_vs.txt').split('\n').slice(0, 3);
    for (let service = 1; service <= 100; service++) {
      lines.push(`TCP  ${hex(0x0a000000 + service)}:0050 rr `);
      for (let rs = 1; rs <= 100; rs++)
        lines.push(`  -> ${hex(0x0b000000 + 256 * service + rs)}:0050      Masq    1      0          0`);
    }
    const { text } = write(await seen({ commands: edge(), files: { '/proc/net/ip_vs': lines.join('\n') } }), {
      problemOf: checkProblem,
      imports: false,
    });
    const plan = loadPlan(text, 'made', { hostname: 'lb-01' });
    assert.deepEqual([plan.services.length, plan.targets.length], [100, 10_000]);
  });
});
