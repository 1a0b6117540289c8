import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { files } from '../../src/doctor/checks/files.ts';
import { rights } from '../../src/doctor/checks/rights.ts';
import { lines, plan, run } from './fake-host.ts';

const service = (more: object) => ({ vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:80'], ...more });
const plain = { nics: [{ name: 'eth2' }], services: [service({})], control: '/run/fourlane/control' };
const anchored = { ...plain, nics: [{ name: 'eth2', anchors: ['192.0.2.1'] }] };
const bits = (...numbers: number[]) => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);

describe('rights', () => {
  const say = async (config: object, machine: Parameters<typeof run>[1] = {}) =>
    run(rights, { user: 'fourlane', ...machine }, { config: plan(config) });

  it('none are needed for what goes over TCP', async () => {
    assert.deepEqual(lines(await say(plain)), ['ok | user fourlane; capabilities: none is needed']);
  });

  it('ping: by a capability or by a group of the machine', async () => {
    const [finding] = await say(anchored, { files: { '/proc/sys/net/ipv4/ping_group_range': '1\t0\n' } });
    assert.match(
      lines([finding!])[0]!,
      /^fail \| ping of anchors or real servers \| needs CAP_NET_RAW, which user fourlane does not have$/,
    );
    assert.match(finding!.fix!, /fourlane\.service\.d\/ping\.conf/);
    assert.deepEqual(lines(await say(anchored, { rights: { capabilities: bits(13) } })), [
      'ok | user fourlane; capabilities: CAP_NET_RAW',
    ]);
    const group = { files: { '/proc/sys/net/ipv4/ping_group_range': '900\t1000\n' } };
    assert.deepEqual(lines(await say(anchored, group)), ['ok | user fourlane; capabilities: none is needed']);
  });

  it('what runs here counts: actuator ipvs, keepalived, DPDK', async () => {
    const config = { ...plain, services: [service({ actuator: 'ipvs' })] };
    const machine = { processes: { keepalived: [7] }, dpdk: [{ path: '/run/dpdk', rings: [], pools: [] }] };
    const missing = (await say(config, machine)).map(({ fix }) => /(\w+)\.conf/.exec(fix!)?.[1]);
    assert.deepEqual(missing, ['ipvs', 'dataplane', 'keepalived']);
    const capabilities = bits(12, 1, 19, 2, 5);
    assert.match(
      lines(await say(config, { ...machine, rights: { capabilities } }))[0]!,
      /^ok .*CAP_NET_ADMIN, CAP_DAC_OVERRIDE, CAP_SYS_PTRACE/,
    );
    const off = { ...plain, collectors: { keepalived: false } };
    assert.deepEqual(lines(await say(off, { processes: { keepalived: [7] } })), [
      'ok | user fourlane; capabilities: none is needed',
    ]);
  });

  it('the TCP option of passthrough', async () => {
    const passthrough = { mode: 'toa', echo: '/whoami', option: {} };
    const config = { ...plain, services: [service({ passthrough })] };
    const [finding] = await say(config, { rights: { capabilities: bits(12) } });
    assert.match(lines([finding!])[0]!, /^fail \| option of passthrough \| needs CAP_BPF, CAP_NET_ADMIN/);
    assert.match(finding!.fix!, /fourlane\.service\.d\/toa\.conf/);
    assert.deepEqual(lines(await say(config, { rights: { capabilities: bits(12, 39) } })), [
      'ok | user fourlane; capabilities: CAP_BPF, CAP_NET_ADMIN',
    ]);
  });

  it('root is too much, unless commands may need it', async () => {
    const root = { user: 'root', rights: { uid: 0, capabilities: (1n << 41n) - 1n } };
    assert.match(lines(await say(plain, root))[0]!, /^warn \| as root it may do everything, and needs no capability;/);
    assert.match(lines(await say(anchored, root))[0]!, /needs the capabilities of ping\.conf;/);
    const commands = { ...plain, services: [service({ actuator: { exec: { command: ['/bin/true'] } } })] };
    assert.deepEqual(lines(await say(commands, root)), ['ok | root; commands of exec may need it']);
  });

  it('without a configuration nothing is known', async () => {
    assert.deepEqual(lines(await run(rights, {})), ['skipped | what it needs is in the configuration']);
    assert.deepEqual(lines(await run(files, {})), ['skipped | the files are named in the configuration']);
  });
});

describe('files', () => {
  const tracked = {
    ...plain,
    nics: [{ name: 'eth2', onFail: [{ trackFile: { path: '/run/fourlane/eth2' } }] }],
    evidence: { log: '/srv/log/e' },
  };
  const good = {
    'f.yaml': 0o640,
    '/': 0o755,
    '/run': 0o755,
    '/run/fourlane': 0o750,
    '/var/lib/fourlane': 0o750,
    '/srv': 0o755,
    '/srv/log': 0o755,
    '/tmp': 0o1777,
  };
  const say = async (modes: Readonly<Record<string, number>>) =>
    run(files, { modes: { ...good, ...modes } }, { config: plan(tracked) });

  it('are the own ones', async () => {
    assert.deepEqual(lines(await say({})), ["ok | f.yaml and what is written are the agent's own"]);
  });

  it('configuration: readable by all is a warning, writable by others a failure', async () => {
    const [read] = await say({ 'f.yaml': 0o644 });
    assert.match(lines([read!])[0]!, /^warn \| configuration \| f\.yaml is readable by every user/);
    assert.equal(read!.fix, 'chown root:fourlane f.yaml && chmod 0640 f.yaml');
    assert.match(lines(await say({ 'f.yaml': 0o660 }))[0]!, /^fail \| configuration \| f\.yaml can be changed by others/);
  });

  it('directories that others can write to, at any level; sticky ones are none', async () => {
    assert.match(
      lines(await say({ '/run/fourlane': 0o770 })).join(),
      /warn \| the control socket \| others can write to \/run\/fourlane/,
    );
    assert.match(lines(await say({ '/srv': 0o777 })).join(), /others can write to \/srv: .* the evidence log in \/srv\/log/);
    assert.deepEqual(lines(await say({ '/srv': 0o1777 })), ["ok | f.yaml and what is written are the agent's own"]);
  });
});
