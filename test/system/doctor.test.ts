/** `fourlane doctor` on a machine that lacks something: it says so, and the command that it prints mends it. Needs root. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { collectors } from '../../src/collect/index.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { childrenOf, enterOwnNetwork, run, until, writeConfig } from './harness.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-doctor-'));
const LIMIT = { timeout: 60_000 };
const ends: (() => unknown)[] = [];
let file: string;

interface Found {
  readonly check: string;
  readonly outcome: string;
  readonly subject?: string;
  readonly message: string;
  readonly fix?: string;
}

/** Runs fourlane to its end, in a namespace if one is named. */
function fourlane(argv: readonly string[], netns?: string) {
  const whole = [...(netns === undefined ? [] : ['ip', 'netns', 'exec', netns]), process.execPath, PROGRAM, ...argv];
  return spawnSync(whole[0]!, whole.slice(1), { encoding: 'utf8', timeout: 30_000 });
}

function doctor(argv: readonly string[], netns?: string): { status: number | null; findings: readonly Found[] } {
  const { status, stdout, stderr } = fourlane(['doctor', '--json', ...argv], netns);
  assert.equal(stderr, '');
  return { status, findings: (JSON.parse(stdout) as { findings: Found[] }).findings };
}

const one = (findings: readonly Found[], check: string, subject?: string) =>
  findings.find((f) => f.check === check && (subject === undefined || f.subject === subject))!;
const shell = (command: string, netns?: string) => {
  const r = spawnSync('ip', ['netns', 'exec', netns ?? 'lb', 'sh', '-ec', command], { encoding: 'utf8' });
  assert.equal(r.status, 0, `${command}: ${r.stderr}`);
};
/** All that the doctor could have changed. */
const everything = () =>
  ['ip rule show', 'ip route show table all', 'ip -6 route show table all', 'ip address show', 'sysctl net.ipv4.conf']
    .map((command) => run(`ip netns exec lb ${command}`))
    .join('\n');
const probe = (nic: string) => fourlane(['probe', '--nic', nic, '10.99.0.1:80'], 'lb').status;

before(async () => {
  ensure(['iproute2', 'procps', 'keepalived']);
  enterOwnNetwork();
  for (const name of ['lb', 'router', 'rs']) {
    run(`ip netns add ${name}`);
    run(`ip -n ${name} link set lo up`);
  }
  // Two NICs to one router; the real server is behind it. Main table: by up1 only.
  for (const n of [1, 2]) {
    run(`ip link add up${n} netns lb type veth peer name down${n} netns router`);
    run(`ip -n lb address add 10.${n}.0.1/24 dev up${n}`);
    run(`ip -n router address add 10.${n}.0.254/24 dev down${n}`);
    run(`ip -n lb link set up${n} addrgenmode none`);
    run(`ip -n lb link set up${n} up`);
    run(`ip -n router link set down${n} up`);
  }
  run('ip link add rs netns router type veth peer name eth0 netns rs');
  run('ip -n router address add 10.99.0.254/24 dev rs');
  run('ip -n rs address add 10.99.0.1/24 dev eth0');
  run('ip -n router link set rs up');
  run('ip -n rs link set eth0 up');
  run('ip -n rs route add default via 10.99.0.254');
  run('ip -n lb route add default via 10.1.0.254 dev up1');
  shell('echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter', 'router');
  shell(
    'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; for d in up1 up2; do echo 1 > /proc/sys/net/ipv4/conf/$d/rp_filter; done',
  );
  const listener = `require('net').createServer((s) => s.on('error', () => {})).listen({port: 80}, () => console.log('up'))`;
  const child = spawn('ip', ['netns', 'exec', 'rs', process.execPath, '-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => child.kill());
  await new Promise((resolve) => child.stdout.once('data', resolve));
  file = writeConfig(dir, {
    nics: [{ name: 'up1' }, { name: 'up2', anchors: ['10.2.0.254'] }],
    services: [{ vip: '10.0.0.1:80/tcp', realServers: ['10.99.0.1:80'] }],
    // Other tests' data planes may run on this machine.
    collectors: Object.fromEntries(collectors.filter((c) => c.name !== 'nic').map((c) => [c.name, false])),
  });
});
after(() => {
  for (const end of ends) end();
  rmSync(dir, { recursive: true });
});

test(
  'a missing policy route and a strict reverse-path filter: each printed fix makes its line ok, and the probe pass',
  LIMIT,
  () => {
    const untouched = everything();
    const sick = doctor(['--config', file], 'lb');
    assert.ok(everything() === untouched, 'the doctor changes nothing');
    assert.equal(sick.status, 1);
    assert.equal(one(sick.findings, 'config').outcome, 'ok');
    assert.equal(one(sick.findings, 'sources', 'nic').message, 'readable');
    assert.equal(one(sick.findings, 'policy_routes', 'up1 IPv4').outcome, 'ok');
    assert.equal(one(sick.findings, 'rp_filter', 'up1').outcome, 'warn', 'the way back is this NIC');
    const route = one(sick.findings, 'policy_routes', 'up2 IPv4');
    const filter = one(sick.findings, 'rp_filter', 'up2');
    assert.deepEqual([route.outcome, filter.outcome], ['fail', 'fail']);
    assert.match(route.message, /no route to 10\.99\.0\.1 by up2/);
    assert.equal(probe('up1'), 0);
    assert.notEqual(probe('up2'), 0);

    shell(route.fix!);
    const half = doctor(['--config', file], 'lb');
    assert.equal(one(half.findings, 'policy_routes', 'up2 IPv4').outcome, 'ok');
    assert.equal(one(half.findings, 'rp_filter', 'up2').outcome, 'warn', 'strict, but the way back is right now');
    assert.equal(half.status, 0);
    assert.equal(probe('up2'), 0);

    shell(filter.fix!);
    assert.equal(one(doctor(['--config', file], 'lb').findings, 'rp_filter', 'up2').outcome, 'ok');
    assert.equal(probe('up2'), 0);
  },
);

test('a real server behind direct routing: VIP and ARP', LIMIT, () => {
  const argv = ['--role', 'real-server', '--vip', '10.0.0.1,fd71::100'];
  shell('ip address add 10.0.0.1/24 dev eth0', 'rs');
  const sick = doctor(argv, 'rs');
  assert.equal(sick.status, 1);
  assert.deepEqual(
    sick.findings.filter((f) => f.outcome === 'fail').map((f) => `${f.check} ${f.subject ?? ''}`),
    ['arp ', 'arp ', 'vip_on_lo 10.0.0.1', 'vip_on_lo fd71::100'],
  );
  for (const { fix } of sick.findings.filter((f) => f.outcome === 'fail')) shell(fix!, 'rs');
  const well = doctor(argv, 'rs');
  assert.equal(well.status, 0, JSON.stringify(well.findings));
});

test('VIPs of a real keepalived: here while MASTER; one that is missing comes back by the printed fix', LIMIT, async () => {
  const conf = join(dir, 'keepalived.conf');
  const instance = 'vrrp_instance VI_1 {\n state MASTER\n interface up1\n virtual_router_id 51\n priority 150\n advert_int 1\n';
  writeFileSync(conf, `${instance} virtual_ipaddress {\n  10.1.0.100/24 dev up1\n  10.1.0.101/24 dev up1\n }\n}\n`);
  const argv = ['netns', 'exec', 'lb', 'keepalived', '-n', '-l', '-P', '-f', conf];
  const keepalived = spawn('ip', argv, { stdio: 'ignore', env: { ...process.env, TMPDIR: dir } });
  const all = () => [keepalived.pid!, ...childrenOf(keepalived.pid!).map((c) => c.pid)];
  ends.push(
    () => all().forEach((pid) => process.kill(pid, 'SIGCONT')),
    () => keepalived.kill(),
  );
  await until('MASTER', 15_000, () => run('ip -n lb address show').includes('10.1.0.101/24'));
  assert.match(one(doctor([], 'lb').findings, 'vip').message, /has written no dump/);

  process.kill(keepalived.pid!, Number(run('keepalived --signum=JSON')));
  await until('a dump', 5000, () => JSON.parse(readFileSync(join(dir, 'keepalived.json'), 'utf8')) !== undefined);
  const well = doctor([], 'lb').findings;
  assert.deepEqual([one(well, 'vip').outcome, one(well, 'keepalived').outcome], ['ok', 'ok'], JSON.stringify(well));

  // It must not put the VIP back by itself.
  for (const pid of all()) process.kill(pid, 'SIGSTOP');
  shell('ip address del 10.1.0.101/24 dev up1');
  const missing = one(doctor([], 'lb').findings, 'vip');
  assert.deepEqual([missing.outcome, missing.subject], ['fail', 'VI_1 10.1.0.101']);
  shell(missing.fix!);
  assert.equal(one(doctor([], 'lb').findings, 'vip').outcome, 'ok');
});

test('a configuration that is not valid, a wrong option; text for people', LIMIT, () => {
  writeFileSync(join(dir, 'bad.yaml'), 'nics: [{name: up1, colour: red}]\n');
  const bad = fourlane(['doctor', '--config', join(dir, 'bad.yaml')], 'lb');
  assert.equal(bad.status, 1);
  assert.match(bad.stdout, /^fail +config +.*bad\.yaml:1:\d+: .*unknown key "colour".*\n +fix: fourlane check-config --config/m);
  assert.match(bad.stdout, /\n\d+ ok, \d+ warn, 1 fail, \d+ skipped\n$/);
  const wrong = fourlane(['doctor', '--role', 'real-server']);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /--role real-server and --vip belong together/);
});
