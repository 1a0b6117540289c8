/**
 * import.keepalived: services from a file and what it includes, beside those of fourlane.yaml; broken files are refused whole.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compareFile } from '../../src/config/compare.ts';
import { loadPlan } from '../../src/config/load.ts';
import { packPlan, unpackPlan } from '../../src/config/plan-bytes.ts';
import type { Followed } from '../../src/config/messages.ts';
import type { Plan } from '../../src/model/plan.ts';
import { pathVersionSync } from '../../src/config/path-version.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-import-'));
after(() => rmSync(dir, { recursive: true }));
const file = join(dir, 'keepalived.conf');

const server = (ip: string, check = 'TCP_CHECK {\n}') => ` real_server ${ip} 80 {\n  weight 3\n  ${check}\n }\n`;
const virtual = (key: string, inside: string, protocol = 'TCP') => `virtual_server ${key} {\n protocol ${protocol}\n${inside}}\n`;

let followed: Followed | undefined;
function load(text: string, more: object = {}, rest: object = {}): Plan {
  writeFileSync(file, text);
  const config = { nics: [{ name: 'eth0' }, { name: 'eth1' }], import: { keepalived: { file, ...more } }, ...rest };
  followed = undefined;
  return loadPlan(JSON.stringify(config), 'fourlane.yaml', { hostname: 'lb', read: (files) => void (followed = files) });
}
const paths = () => [...(followed ?? [])].map(([path]) => path).sort();

test('virtual servers become services that change nothing, with the checks of each real server', () => {
  const http = 'HTTP_GET {\n url {\n path /\n }\n }';
  const plan = load(virtual('192.0.2.1 80', server('10.0.0.1') + server('10.0.0.2', `${http}\n  TCP_CHECK {\n}`)));
  const [service] = plan.services;
  assert.deepEqual(
    plan.services.map(({ name, actuator, nics, panic }) => ({ name, actuator, nics, panic })),
    [{ name: '192.0.2.1:80/tcp', actuator: { type: 'shadow' }, nics: [0, 1], panic: 0.5 }],
  );
  assert.deepEqual(service!.realServers, [
    { target: 0, weight: 3 },
    { target: 1, further: [2], weight: 3 },
  ]);
  assert.deepEqual(
    plan.targets.map(({ id, check }) => [id, check.type, check.timeout]),
    [
      ['10.0.0.1:80', 'tcp', 1000],
      ['10.0.0.2:80#http', 'http', 1000],
      ['10.0.0.2:80#tcp', 'tcp', 1000],
    ],
  );
  assert.deepEqual(plan.imports, { file, mode: 'shadow', services: 1, left: [] });
});

test('mode manage: scripts are in the plan, by position, for every thread; in shadow they are named as left out', () => {
  const scripts = 'TCP_CHECK {\n}\n  notify_down "/bin/down now"';
  const text = virtual('192.0.2.1 80', ` quorum_up /bin/up\n${server('10.0.0.1')}${server('10.0.0.2', scripts)}`);
  const managed = load(text, { mode: 'manage' });
  assert.deepEqual(managed.services[0]!.notify, {
    quorum: 1,
    hysteresis: 0,
    service: { up: { command: ['/bin/up'] } },
    realServers: [undefined, { down: { command: ['/bin/down', 'now'] } }],
  });
  assert.deepEqual(managed.imports!.left, []);
  assert.deepEqual(unpackPlan(packPlan(managed)), managed);
  const shadowed = load(text);
  assert.equal(shadowed.services[0]!.notify, undefined);
  assert.equal(shadowed.imports!.left.filter((line) => line.includes('scripts are run with mode: manage only')).length, 2);
  assert.equal(load(virtual('192.0.2.1 80', server('10.0.0.1')), { mode: 'manage' }).services[0]!.notify, undefined);
});

test('mode manage: entries of kernel LVS are in the plan, by position, for every thread; none in shadow', () => {
  const text = virtual('192.0.2.1 80', ` lb_algo rr\n${server('10.0.0.1')}${server('10.0.0.999')}${server('10.0.0.2')}`);
  const plan = load(text, { mode: 'manage', existing: 'adopt', running: 'overwrite' });
  const [{ lvs, actuator } = assert.fail()] = plan.services;
  const servers = [{ method: 'NAT' }, { method: 'NAT' }];
  assert.deepEqual(lvs, { family: 4, scheduler: 'rr', flags: [], persistence: 0, servers, existing: 'adopt' });
  assert.equal(actuator['keepalived'], 'overwrite');
  assert.deepEqual(unpackPlan(packPlan(plan)), plan);
  assert.equal(load(text).services[0]!.lvs, undefined);
});

test('mode manage: quorum and sorry server are in the plan, and count who is not judged down; in shadow they are named', () => {
  const text = virtual(
    '192.0.2.1 80',
    ` quorum 4\n hysteresis 1\n sorry_server 10.0.0.9 80\n${server('10.0.0.1')}${server('10.0.0.2')}`,
  );
  const plan = load(text, { mode: 'manage' });
  const [{ lvs, notify } = assert.fail()] = plan.services;
  assert.deepEqual(lvs!.sorry, { name: '10.0.0.9:80', server: { method: 'NAT' }, inhibit: false });
  assert.deepEqual(notify, { quorum: 4, hysteresis: 1, counts: 'alive', realServers: [undefined, undefined] });
  assert.deepEqual(plan.imports!.left, []);
  assert.deepEqual(unpackPlan(packPlan(plan)), plan);
  const shadowed = load(text);
  assert.equal(shadowed.services[0]!.notify, undefined);
  assert.match(shadowed.imports!.left.join('\n'), /sorry_server 10\.0\.0\.9 80: it is put in with mode: manage only/);
});

test('mode manage: weights are set in kernel LVS; NICs, panic and times as wanted', () => {
  const plan = load(virtual('192.0.2.1 80', server('10.0.0.1')), {
    mode: 'manage',
    nics: ['eth1'],
    panic: 0.2,
    timing: { interval: '2s', timeout: '1500ms', fall: 2, rise: 1 },
  });
  assert.equal(plan.services[0]!.actuator.type, 'ipvs');
  assert.deepEqual([plan.services[0]!.nics, plan.services[0]!.panic], [[1], 0.2]);
  const { interval, timeout, fall, rise } = plan.targets[0]!.check;
  assert.deepEqual([interval, timeout, fall, rise], [2000, 1500, 2, 1]);
});

test('includes are read and followed, missing ones and directories of patterns too', () => {
  mkdirSync(join(dir, 'conf.d'));
  writeFileSync(join(dir, 'conf.d', 'a.conf'), virtual('192.0.2.7 80', server('10.0.0.1')));
  const plan = load('include conf.d/*.conf\ninclude nothere.conf\n');
  assert.deepEqual(
    plan.services.map(({ vip }) => vip),
    ['192.0.2.7:80/tcp'],
  );
  assert.deepEqual(paths(), [join(dir, 'conf.d'), join(dir, 'conf.d/a.conf'), file, join(dir, 'nothere.conf')].sort());
  assert.equal(followed!.get(file), pathVersionSync(file));
  assert.equal(followed!.get(join(dir, 'nothere.conf')), 'ENOENT');
  assert.match(plan.imports!.left.join('\n'), /1 mistake, which keepalived passes over: fourlane lint /);
});

test('of a pattern with several wildcards every directory is followed in which the way to a file of it can appear', () => {
  mkdirSync(join(dir, 'racks/a'), { recursive: true });
  mkdirSync(join(dir, 'racks/b/vs'), { recursive: true });
  writeFileSync(join(dir, 'racks/readme'), 'a file is not looked in');
  writeFileSync(join(dir, 'racks/b/vs/1.conf'), virtual('192.0.2.8 80', server('10.0.0.1')));
  const plan = load('include racks/*/vs/*.conf\n');
  assert.equal(plan.services.length, 1);
  const directories = ['racks', 'racks/a', 'racks/b', 'racks/b/vs', 'racks/b/vs/1.conf'].map((path) => join(dir, path));
  assert.deepEqual(paths(), [file, ...directories].sort());
  mkdirSync(join(dir, 'racks/a/vs'));
  const changed = [...followed!].filter(([path, version]) => pathVersionSync(path) !== version);
  assert.deepEqual(
    changed.map(([path]) => path),
    [join(dir, 'racks/a')],
  );
});

test('what is refused is followed as it was read: the included file with the mistake, and its directory', () => {
  const conf = join(dir, 'refused.json');
  const running = load(virtual('192.0.2.1 80', server('10.0.0.1')));
  const answerTo = (config: object) => {
    writeFileSync(conf, JSON.stringify({ nics: [{ name: 'eth0' }, { name: 'eth1' }], ...config }));
    return compareFile({ path: conf, hostname: 'lb', running: packPlan(running), fingerprint: running.fingerprint }).answer;
  };
  mkdirSync(join(dir, 'parts'));
  const part = join(dir, 'parts/b.conf');
  writeFileSync(part, 'virtual_server 192.0.2.9 80 {\n');
  writeFileSync(file, 'include parts/*.conf\n');
  const refused = answerTo({ import: { keepalived: { file } } });
  assert.match((refused as { refused: string }).refused, /b\.conf:1:\d+/);
  assert.deepEqual(refused.followed, new Map([file, join(dir, 'parts'), part].map((path) => [path, pathVersionSync(path)])));
  // What is not read says nothing of files; a configuration without an import follows none.
  assert.equal(answerTo({ import: { keepalived: { file } }, nics: 'none' }).followed, undefined);
  assert.deepEqual(answerTo({}).followed, new Map());
});

test('a service of fourlane.yaml goes before an imported one of the same VIP or name', () => {
  const own = [{ name: 'web', vip: '192.0.2.1:80/tcp', realServers: ['10.0.0.9:80'] }];
  const plan = load(
    virtual('192.0.2.1 80', server('10.0.0.1')) + virtual('192.0.2.2 80', server('10.0.0.1')),
    {},
    { services: own },
  );
  assert.deepEqual(
    plan.services.map(({ name }) => name),
    ['web', '192.0.2.2:80/tcp'],
  );
  assert.match(plan.imports!.left[0]!, /keepalived.conf:1:1: virtual server 192.0.2.1:80\/tcp: fourlane.yaml has a service/);
});

test('what fourlane would refuse in its own file is left out by name, and the rest is taken', () => {
  const regex = 'HTTP_GET {\n url {\n path /\n regex "a(?=b)"\n }\n }';
  const plan = load(
    virtual('192.0.2.1 80', server('10.0.0.1', regex) + server('224.0.0.1')) + virtual('192.0.2.2 80', server('10.0.0.2')),
  );
  assert.deepEqual(
    plan.targets.map(({ id, check }) => [id, check.type]),
    [
      ['10.0.0.1:80', 'tcp'],
      ['10.0.0.2:80', 'tcp'],
    ],
  );
  const left = plan.imports!.left.join('\n');
  assert.match(left, /:5:3: HTTP_GET: matches .*; checked by tcp instead/);
  assert.match(left, /real server "224.0.0.1:80": a multicast or reserved address is no host/);
});

test('an edit that is not finished is refused with its place', () => {
  assert.throws(
    () => load(virtual('192.0.2.1 80', server('10.0.0.1')).slice(0, -3)),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.match(error.message, /keepalived.conf:\d+:\d+: /);
      return true;
    },
  );
  const missing = () => load('', { file: join(dir, 'no.conf') });
  assert.throws(missing, /cannot import .*no.conf: there is no such file/);
  assert.throws(() => load('', { file: dir }), /it is a directory; name the file/);
});

test('a NIC that is not there is named at the import', () => {
  assert.throws(
    () => load(virtual('192.0.2.1 80', server('10.0.0.1')), { nics: ['eth7'] }),
    /fourlane.yaml:1:\d+: import.keepalived: .*"eth7"/,
  );
});

test('where services come from is no part of the revision, and a change of it is noticed', () => {
  const text = virtual('192.0.2.1 80', server('10.0.0.1'));
  const [a, b] = [load(text), load(`${text}\ninclude other.conf\n`)];
  assert.equal(a.revision, b.revision);
  assert.notEqual(a.fingerprint, b.fingerprint);
});

test('10 000 virtual servers', () => {
  const text = Array.from({ length: 10_000 }, (_, i) =>
    virtual(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255} 80`, server(`10.200.${(i >> 8) & 255}.${i & 255}`)),
  ).join('');
  assert.equal(load(text).services.length, 10_000);
});

test('managed services can go, but not the last of them by an edit: the file may be half written', () => {
  const conf = join(dir, 'fourlane.json');
  const two = virtual('192.0.2.1 80', server('10.0.0.1')) + virtual('192.0.2.2 80', server('10.0.0.2'));
  const reload = (text: string, mode: string) => {
    const running = load(two, { mode });
    writeFileSync(file, text);
    writeFileSync(conf, JSON.stringify({ nics: [{ name: 'eth0' }, { name: 'eth1' }], import: { keepalived: { file, mode } } }));
    return compareFile({ path: conf, hostname: 'lb', running: packPlan(running), fingerprint: running.fingerprint }).answer;
  };
  const one = reload(virtual('192.0.2.1 80', server('10.0.0.1')), 'manage');
  assert.equal('refused' in one, false);
  assert.equal('refused' in reload('global_defs {\n}\n', 'shadow'), false);
  const none = reload('global_defs {\n}\n', 'manage');
  assert.match(
    (none as { refused: string }).refused,
    /has lost all 2 virtual servers .* remove the import and reload; or restart/,
  );
});

test('semantics keepalived: its times and states in the place of ours', () => {
  const tcp = 'TCP_CHECK {\n connect_timeout 7\n retry 2\n }';
  const pages = 'HTTP_GET {\n fast_recovery\n url {\n path /a\n }\n url {\n path /b\n }\n }';
  const misc = 'MISC_CHECK {\n misc_path "/bin/true"\n delay_loop 9\n }';
  const head = ' delay_loop 4\n alpha\n quorum 2\n hysteresis 1\n';
  const servers = [tcp, pages, misc, ''].map((check, k) => server(`10.0.0.${k + 1}`, check)).join('');
  const plan = load(virtual('192.0.2.1 80', head + servers), { semantics: 'keepalived' });
  const found = plan.targets.map(({ check: { type, interval, timeout, fall, rise, checker } }) => {
    const { kind, retry, alpha, urls, delayLoop, delayBeforeRetry, warmup, fastRecovery } = checker!;
    return [type, interval, timeout, fall, rise, kind, retry, alpha, urls, delayLoop, delayBeforeRetry, warmup, fastRecovery];
  });
  assert.deepEqual(found, [
    ['tcp', 4000, 7000, 3, 1, 'tcp', 2, true, 1, 4000, 1000, 4000, false],
    ['http', 4000, 5000, 2, 1, 'http', 1, true, 2, 4000, 3000, 4000, true],
    // Its timeout is the delay_loop of the virtual server.
    ['exec', 9000, 4000, 1, 1, 'misc', 0, true, 1, 9000, 1000, 9000, false],
    ['tcp', 4000, 5000, 2, 1, 'none', 1, false, 1, 4000, 1000, 4000, false],
  ]);
  assert.deepEqual(
    plan.imports!.left.map((text) => text.replace(/^\S+ real server without a check that is taken over: /, '')),
    ['as for keepalived it is never taken out; a TCP connection tells of NICs only'],
  );
  assert.deepEqual(unpackPlan(packPlan(plan)), plan);
  assert.notEqual(plan.revision, load(virtual('192.0.2.1 80', head + servers)).revision);
});

test('semantics keepalived and timing do not go together', () => {
  const text = virtual('192.0.2.1 80', server('10.0.0.1'));
  assert.throws(() => load(text, { semantics: 'keepalived', timing: { fall: 2 } }), /is for semantics: fourlane/);
  assert.throws(() => load(text, { semantics: 'lvs' }), /fourlane.*keepalived/);
});
