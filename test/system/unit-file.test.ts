/**
 * The shipped unit under a real systemd: start, reload, a reload that is refused, stop, start; what must outlive the agent does;
 * the rights it has, and those that drop-ins add. Needs root.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Systemd } from '../container/systemd.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { metricOf, QUICK, until } from './harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const UNITS = `${ROOT}docs/systemd`;
const FILE = '/etc/fourlane.yaml';
const LIMIT = { timeout: 60_000 };
const LISTEN = "require('net').createServer((s) => s.on('error', () => {})).listen(80)";
const REAL_SERVERS = `[Service]\nExecStart=/opt/fourlane/node_modules/.bin/node -e "${LISTEN}"\n`;
const PLAYED = '/opt/fourlane/test/collect/dpdk.fake.ts';
const FAKE = `import('${PLAYED}').then(({ FakeProcess }) => new FakeProcess('/var/run/dpdk', 'rte', 'testpmd-25.11'))`;
const DATA_PLANE = `[Service]\nUMask=0077\nExecStart=/opt/fourlane/node_modules/.bin/node -e "${FAKE}"\n`;
const VRRP = 'vrrp_instance VI {\n interface eth1\n virtual_router_id 7\n virtual_ipaddress {\n  192.0.2.7/24\n }\n}\n';
const KEEPALIVED = '[Service]\nExecStart=/usr/sbin/keepalived -n -l\n';
/** Numbers of capabilities, linux/capability.h. */
const CAP = { DAC_OVERRIDE: 1, DAC_READ_SEARCH: 2, KILL: 5, NET_ADMIN: 12, SYS_PTRACE: 19, BPF: 39 } as const;
let systemd: Systemd;

/** One NIC is lo, the other one a cable that can be pulled. */
function config(servers: readonly string[], more: readonly object[] = []): string {
  const check = { type: 'tcp', interval: '200ms', timeout: '200ms' };
  return JSON.stringify({
    nics: ['lo', 'eth1'].map((name) => ({
      name,
      onFail: [{ trackFile: { path: `/run/fourlane/${name}` } }],
      ...(name === 'lo' ? { anchors: ['127.0.0.9'] } : {}),
    })),
    services: [{ vip: '10.0.0.1:80/tcp', check, realServers: servers.map((ip) => `${ip}:80`) }, ...more],
    collectors: {
      ...Object.fromEntries(['dpdk', 'keepalived'].map((name) => [name, { interval: '500ms', timeout: '400ms' }])),
      ...(more.length > 0 ? { passthrough: { interval: '1s' } } : {}),
    },
    rules: QUICK,
  });
}

before(async () => {
  ensure(['iproute2', 'systemd', 'curl', 'keepalived']);
  systemd = await Systemd.start(
    [
      { from: ROOT, to: '/opt/fourlane' },
      { from: `${UNITS}/fourlane.service`, to: Systemd.unit('fourlane.service') },
      { from: `${UNITS}/fourlane.sysusers`, to: '/etc/sysusers.d/fourlane.conf' },
    ],
    {
      [FILE]: config(['127.0.0.2', '127.0.0.3']),
      [Systemd.unit('real-servers.service')]: REAL_SERVERS,
      [Systemd.unit('data-plane.service')]: DATA_PLANE,
      [Systemd.unit('keepalived.service')]: KEEPALIVED,
      '/etc/keepalived/keepalived.conf': VRRP,
    },
  );
  systemd.must('ln', '-s', '/run', '/var/run');
  systemd.must('systemd-sysusers');
  systemd.must('sh', '-c', `chown root:fourlane ${FILE} && chmod 0640 ${FILE}`);
  systemd.must('systemctl', 'start', 'real-servers');
  systemd.must('ip', 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'far');
  for (const name of ['eth1', 'far']) systemd.must('ip', 'link', 'set', name, 'up');
}, LIMIT);
after(() => systemd?.kill());

/** A real server that answers over HTTP, and takes no TCP option: the agent itself. */
const SENDS_OPTION = {
  vip: '10.0.0.2:80/tcp',
  realServers: ['127.0.0.1:9844'],
  check: { type: 'tcp', interval: '1s' },
  passthrough: { mode: 'toa', echo: '/-/ready', option: {} },
};
/** P5 has found what only a request with the option can show. */
const hasSentOption = () => metricOf(ask('/metrics'), 'fourlane_passthrough_finding', '"ADDRESS_LOST"', '"other"') === 1;
const notSent = /P5: the option could not be sent: needs CAP_BPF and CAP_NET_ADMIN/;

const mainPid = () => systemd.show('fourlane', 'MainPID');
const journal = () => systemd.must('journalctl', '--no-pager', '-u', 'fourlane', '-o', 'cat');
const ask = (path: string) => systemd.must('curl', '-sS', `http://127.0.0.1:9844${path}`);
const successful = () => metricOf(ask('/metrics'), 'fourlane_config_last_reload_successful');
const state = () => systemd.show('fourlane', 'ActiveState');
/** Files of compiled code, with when they were written. */
const compiled = () =>
  systemd.must('find', '/var/cache/fourlane', '-type', 'f', '-user', 'fourlane', '-printf', '%p %T@\\n').split('\n').toSorted();
const track = (nic: string) => systemd.must('cat', `/run/fourlane/${nic}`);
/** What /proc says of the agent's main thread. */
const status = (name: string) =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(systemd.must('cat', `/proc/${mainPid()}/status`))?.[1]?.split(/\s+/);
const fourlane = (...argv: string[]) =>
  ['/opt/fourlane/node_modules/.bin/node', '/opt/fourlane/src/cli/fourlane.mjs', ...argv] as const;
/** Probes through lo that failed for a local reason, and pings of its anchor that ended in any way. */
const pings = () => {
  const text = ask('/metrics');
  const count = (name: string, label: string) => metricOf(text, `fourlane_check_${name}`, '"lo"', label) ?? 0;
  return { local: count('results_total', '"local_error"'), ended: count('duration_seconds_count', '"ping"') };
};
/** Writes the file and reloads the unit. */
const reload = (text: string) => {
  systemd.must('sh', '-c', 'printf %s "$1" >"$2"', 'sh', text, FILE);
  systemd.must('systemctl', 'reload', 'fourlane');
};

test('the unit is valid, and starts the agent as the main process', LIMIT, () => {
  assert.equal(systemd.must('systemd-analyze', 'verify', Systemd.unit('fourlane.service')), '');
  systemd.must('systemctl', 'start', 'fourlane');
  assert.equal(systemd.run('curl', '-fsS', 'http://127.0.0.1:9844/-/ready').status, 0, 'started means ready');
  const command = systemd.must('cat', `/proc/${mainPid()}/cmdline`).split('\0');
  assert.equal(command[0], '/opt/fourlane/node_modules/.bin/node');
  assert.ok(command.includes('agent'));
  assert.deepEqual([track('lo'), track('eth1')], ['0', '0']);
  assert.ok(compiled().length > 30, 'code is kept');
});

test('least rights: a user of its own, no capability, rated 2.5 or better by systemd-analyze', LIMIT, async () => {
  const uid = systemd.must('id', '-u', 'fourlane');
  assert.notEqual(uid, '0');
  assert.deepEqual(status('Uid'), [uid, uid, uid, uid]);
  for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb']) assert.deepEqual(status(set), ['0000000000000000'], set);
  assert.deepEqual(status('NoNewPrivs'), ['1']);
  const { status: rated, output } = systemd.run(
    'systemd-analyze',
    'security',
    '--no-pager',
    '--threshold=25',
    'fourlane.service',
  );
  assert.equal(rated, 0, output.slice(-300));
  await until('ICMP sockets are for groups that the machine names', 3000, () => pings().local > 0);
});

test('the control socket is for root and the agent: reload and status over it', LIMIT, () => {
  assert.equal(systemd.must('stat', '-c', '%a %U %G', '/run/fourlane'), '750 fourlane fourlane');
  assert.equal(systemd.must('stat', '-c', '%a %U %G', '/run/fourlane/control'), '660 fourlane fourlane');
  assert.match(systemd.must(...fourlane('reload')), /^nothing changed; revision [0-9a-f]{12}$/);
  const { status: code, output } = systemd.run(...fourlane('status'));
  assert.ok(code === 0 || code === 2, output); // through eth1 nobody is reached, which is named soon
  assert.match(output, /2 of 2 in service/);
  const stranger = systemd.run(
    'setpriv',
    '--reuid=nobody',
    '--clear-groups',
    ...fourlane('reload', '--url', 'unix:/run/fourlane/control'),
  );
  assert.equal(stranger.status, 3);
  assert.match(stranger.output, /no agent at unix:\/run\/fourlane\/control .*EACCES/);
});

test('reload of a good file: applied, by the same process', LIMIT, async () => {
  const pid = mainPid();
  reload(config(['127.0.0.2', '127.0.0.3', '127.0.0.4']));
  await until('three real servers', 5000, () => ask('/metrics').includes('127.0.0.4:80'));
  assert.equal(successful(), 1);
  assert.equal(mainPid(), pid);
});

test(
  'reload of a bad file: refused with its place, in the status and the journal; the agent lives, and takes a good one again',
  LIMIT,
  async () => {
    const pid = mainPid();
    reload(config(['127.0.0.2', 'web-1.example']));
    await until('refused', 5000, () => successful() === 0);
    const place = /\/etc\/fourlane\.yaml:\d+:\d+: services\[0\]\.realServers\[1\].*web-1\.example.*config not applied/;
    await until('in the journal', 5000, () => place.test(journal()));
    assert.match(systemd.must('systemctl', 'status', 'fourlane', '--no-pager', '--full', '--lines=20'), place);
    assert.deepEqual([mainPid(), state()], [pid, 'active']);
    assert.ok(ask('/metrics').includes('127.0.0.4:80'), 'it goes on with the file before');
    reload(config(['127.0.0.2', '127.0.0.3']));
    await until('taken', 5000, () => successful() === 1);
    assert.equal(mainPid(), pid);
  },
);

test('stop and start: track files and state stay, and what was failed still is', LIMIT, async () => {
  systemd.must('ip', 'link', 'set', 'far', 'down');
  await until('eth1 failed', 5000, () => track('eth1') === '1');
  systemd.must('systemctl', 'stop', 'fourlane');
  assert.deepEqual(
    ['ActiveState', 'Result', 'ExecMainStatus'].map((name) => systemd.show('fourlane', name)),
    ['inactive', 'success', '0'],
  );
  assert.deepEqual([track('lo'), track('eth1')], ['0', '1']);
  assert.ok(Number(systemd.must('stat', '-c', '%s', '/var/lib/fourlane/state.json')) > 100);
  const kept = compiled();
  systemd.must('systemctl', 'start', 'fourlane');
  assert.deepEqual(compiled(), kept, 'a start has its code compiled');
  await until('in the journal', 5000, () => /state taken up/.test(journal()));
  assert.equal(track('eth1'), '1');
  systemd.must('ip', 'link', 'set', 'far', 'up');
});

test('killed: started again by systemd', LIMIT, async () => {
  const pid = mainPid();
  systemd.must('kill', '-KILL', pid);
  await until('another process, ready', 30_000, () => !['0', pid].includes(mainPid()) && state() === 'active');
  assert.equal(systemd.show('fourlane', 'NRestarts'), '1');
  assert.equal(track('lo'), '0');
});

test('a reload while it starts waits, and what the file says then holds', LIMIT, async () => {
  systemd.must('systemctl', 'stop', 'fourlane');
  systemd.must('systemctl', 'start', '--no-block', 'fourlane');
  reload(config(['127.0.0.2', '127.0.0.5']));
  assert.equal(state(), 'active');
  await until('the other real server', 5000, () => ask('/metrics').includes('127.0.0.5:80'));
  assert.deepEqual([successful(), systemd.show('fourlane', 'NRestarts')], [1, '0']);
});

test('a drop-in adds one right: ping for the anchors', LIMIT, async () => {
  const drops = `${Systemd.unit('fourlane.service')}.d`;
  systemd.must('sh', '-c', `mkdir -p ${drops} && cp /opt/fourlane/docs/systemd/fourlane.service.d/ping.conf ${drops}/`);
  systemd.must('systemctl', 'daemon-reload');
  systemd.must('systemctl', 'restart', 'fourlane');
  assert.deepEqual(status('CapEff'), ['0000000000002000'], 'CAP_NET_RAW');
  await until('pings end', 5000, () => pings().ended > 0);
  assert.equal(pings().local, 0);
  assert.equal(systemd.run('systemd-analyze', 'security', '--no-pager', '--threshold=25', 'fourlane.service').status, 0);
});

/** As `until`, and says what the agent said when it does not come. */
async function comes(what: string, ask: () => boolean): Promise<void> {
  await until(what, 15_000, ask).catch((error: Error) => {
    const state = ['ActiveState', 'MainPID', 'NRestarts'].map((name) => `${name}=${systemd.show('fourlane', name)}`);
    throw new Error([`${error.message}; ${state.join(' ')}`, ...journal().split('\n').slice(-40)].join('\n'));
  });
}

/** Sources of root: a data plane and a keepalived. */
const isRead = (collector: string) => metricOf(ask('/metrics'), 'fourlane_collector_success', `"${collector}"`) === 1;

test('each drop-in starts, gives what its first line says, and lets the agent read what it is for', LIMIT, async () => {
  const drops = `${Systemd.unit('fourlane.service')}.d`;
  const rights: Readonly<Record<string, { readonly caps: readonly number[]; readonly reads?: string }>> = {
    ipvs: { caps: [CAP.NET_ADMIN] }, // on a kernel that has IPVS: test/qemu/guest/least-rights.guest.ts
    dataplane: { caps: [CAP.DAC_OVERRIDE], reads: 'dpdk' },
    keepalived: { caps: [CAP.DAC_READ_SEARCH, CAP.KILL, CAP.SYS_PTRACE], reads: 'keepalived' },
  };
  systemd.must('systemctl', 'start', 'data-plane', 'keepalived');
  for (const [name, { caps, reads }] of Object.entries(rights)) {
    systemd.must('sh', '-c', `rm -f ${drops}/* && cp /opt/fourlane/docs/systemd/fourlane.service.d/${name}.conf ${drops}/`);
    systemd.must('systemctl', 'daemon-reload');
    systemd.must('systemctl', 'restart', 'fourlane');
    const mask = caps.reduce((sum, cap) => sum | (1n << BigInt(cap)), 0n);
    assert.deepEqual(status('CapEff'), [mask.toString(16).padStart(16, '0')], name);
    assert.equal(systemd.run('systemd-analyze', 'security', '--no-pager', '--threshold=25', 'fourlane.service').status, 0, name);
    if (reads !== undefined) await comes(`${reads} is read`, () => isRead(reads));
    for (const other of ['dpdk', 'keepalived']) if (other !== reads) assert.equal(isRead(other), false, `${other} with ${name}`);
  }
  assert.doesNotMatch(journal(), notSent);
  reload(config(['127.0.0.2', '127.0.0.3'], [SENDS_OPTION]));
  await comes('the missing right is named', () => notSent.test(journal()));
  assert.equal(hasSentOption(), false);
  systemd.must('sh', '-c', `rm -f ${drops}/* && cp /opt/fourlane/docs/systemd/fourlane.service.d/toa.conf ${drops}/`);
  systemd.must('systemctl', 'daemon-reload');
  systemd.must('systemctl', 'restart', 'fourlane');
  assert.deepEqual(status('CapEff'), [((1n << BigInt(CAP.BPF)) | (1n << BigInt(CAP.NET_ADMIN))).toString(16).padStart(16, '0')]);
  assert.equal(systemd.run('systemd-analyze', 'security', '--no-pager', '--threshold=25', 'fourlane.service').status, 0, 'toa');
  await comes('the option is sent', hasSentOption);
  systemd.must('sh', '-c', `rm -f ${drops}/* && cp /opt/fourlane/docs/systemd/fourlane.service.d/exec-root.conf ${drops}/`);
  systemd.must('systemctl', 'daemon-reload');
  systemd.must('systemctl', 'restart', 'fourlane');
  assert.equal(status('Uid')?.[0], '0');
});
