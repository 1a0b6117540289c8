import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { planCommand } from '../../src/cli/plan.ts';
import { frrState, Machine } from '../collect/bgp.fake.ts';
import { printed, scratch } from './printed.ts';

const { file } = scratch('plan');

const NICS = 'nics: [{name: eth2, dataplane: dpdk0}, {name: eth3, dataplane: dpdk1}]';
const SNAT = 'snat: {pool: 10.0.0.0/24, servers: 16, cores: 16, server: 3, groups: {eth2: 0, eth3: 1}}';
const UPLINKS = 'bgp: {uplinks: [{nic: eth2, peer: 192.0.2.1}, {nic: eth3, peer: 198.51.100.1}]}';

const run = (...argv: readonly string[]) => printed(planCommand, argv);

const SHAPE = ['--pool', '10.0.0.0/24', '--servers', '16', '--cores', '16', '--groups', '2'];

describe('fourlane plan snat', () => {
  it('prints lengths, the range of each server and what it can hold', async () => {
    const { status, out, err } = await run('snat', ...SHAPE);
    assert.equal(status, 0);
    assert.equal(err, '');
    assert.match(out, /^group {4}\/29 {5}8 /m);
    assert.match(out, /^server 3 {3}10\.0\.0\.48\/28 {3}10\.0\.0\.48 … 10\.0\.0\.63 {4}10\.0\.0\.48\/29 10\.0\.0\.56\/29$/m);
    assert.match(out, /1032176 connections of a server/);
  });

  it('prints groups and cores of one server', async () => {
    const { out } = await run('snat', ...SHAPE, '--server', '15');
    assert.match(out, /Server 15: 10\.0\.0\.240\/28\ngroup 0 .*\n {2}core 0 +10\.0\.0\.240\n/);
    assert.match(out, / {2}core 15 +10\.0\.0\.255\n$/);
  });

  it('takes the plan, and the server, from a configuration', async () => {
    const { status, out } = await run('snat', '--config', file('good.yaml', NICS, SNAT, UPLINKS), '--json');
    assert.equal(status, 0);
    const printed = JSON.parse(out) as { servers: { server: number; prefix: string }[]; findings: unknown[] };
    assert.deepEqual(
      printed.servers.map(({ server, prefix }) => `${server} ${prefix}`),
      ['3 10.0.0.48/28'],
    );
    assert.deepEqual(printed.findings, []);
  });

  it('reports mistakes: 1 for warnings, 2 for errors', async () => {
    const rounded = await run('snat', '--pool', '10.0.0.0/24', '--servers', '12', '--cores', '16');
    assert.equal(rounded.status, 1);
    assert.match(rounded.err, /^S01 not-a-power-of-two \(warning\): servers: 12 of 16 places are used; /);
    const small = await run('snat', '--pool', '10.0.0.0/25', '--servers', '16', '--cores', '16');
    assert.equal(small.status, 2);
    assert.match(small.err, /^S02 pool-size \(error\): /m);
  });

  it('prints what to configure', async () => {
    const path = file('for.yaml', NICS, SNAT, UPLINKS);
    assert.match((await run('snat', '--config', path, '--for', 'frr', '--as', '65103')).out, /^router bgp 65103$/m);
    assert.match((await run('snat', '--config', path, '--for', 'bird')).out, /^protocol static fourlane_ipv4 \{$/m);
    assert.match((await run('snat', '--config', path, '--for', 'dpvs')).out, /^dpip addr add 10\.0\.0\.48\/32 dev dpdk0 sapool/m);
  });

  it('compares with this machine: what daemons announce, and what could not be read', async () => {
    const machine = new Machine();
    after(() => machine.close());
    machine.bgpd(frrState('prefix-filtered-and-missing'));
    const path = file(
      'live.yaml',
      'nics: [{name: e1}, {name: e2}]',
      'snat: {pool: 10.64.0.0/26, servers: 4, cores: 16, server: 0, groups: {e1: 0, e2: 1}}',
      'bgp: {uplinks: [{nic: e1, peer: 10.1.1.1}, {nic: e2, peer: 10.2.1.1}]}',
      `collectors: {bgp: {frr: ${machine.folder}, bird: false}, dpvs: {socket: ${machine.folder}/none}}`,
    );
    const { status, err } = await run('snat', '--config', path, '--live');
    assert.equal(status, 2);
    assert.match(
      err,
      /^S10 missing-announcement \(error\): 10\.64\.0\.0\/29 \(group\) is not announced to 10\.1\.1\.1 \(e1\): /m,
    );
    assert.match(err, /^S10 .*: 10\.64\.0\.8\/29 \(group\) is not announced to 10\.2\.1\.1 \(e2\)/m);
    assert.match(err, /^dpvs: absent: /m);
    assert.match(err, /^S06 was not looked at: locals, workers not known$/m);
    await assert.rejects(run('snat', ...SHAPE, '--live'), /--live needs --config/);
  });

  it('names what is wrong with its options', async () => {
    const bare = file('bare.yaml', NICS);
    const wrong: readonly (readonly [RegExp, ...string[]])[] = [
      [/allowed: snat/, 'bgp'],
      [/name --config or --pool/, 'snat'],
      [/--pool: x is not a prefix/, 'snat', '--pool', 'x'],
      [/--servers: found nothing; allowed: 1 … 4096/, 'snat', '--pool', '10.0.0.0/24'],
      [/--groups: found 4 for 2 cores/, 'snat', '--pool', '10.0.0.0/24', '--servers', '1', '--cores', '2', '--groups', '4'],
      [/--server: found 16; allowed: 0 … 15/, 'snat', ...SHAPE, '--server', '16'],
      [/has no key snat/, 'snat', '--config', bare],
      [/--for: found cisco; allowed: frr, bird, dpvs/, 'snat', '--config', file('c.yaml', NICS, SNAT), '--for', 'cisco'],
      [/--for frr needs --as N/, 'snat', '--config', file('d.yaml', NICS, SNAT), '--for', 'frr'],
      [/--for needs --config/, 'snat', ...SHAPE, '--for', 'bird'],
    ];
    for (const [message, ...argv] of wrong) await assert.rejects(run(...argv), message);
    assert.match((await run('--help')).out, /Example:\n {2}fourlane plan snat/);
  });
});
