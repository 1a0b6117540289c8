import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { arp } from '../../src/doctor/checks/arp.ts';
import { clock } from '../../src/doctor/checks/clock.ts';
import { config } from '../../src/doctor/checks/config.ts';
import { dpvsAgent } from '../../src/doctor/checks/dpvs-agent.ts';
import { ipVs } from '../../src/doctor/checks/ip-vs.ts';
import { keepalived } from '../../src/doctor/checks/keepalived.ts';
import { logCore } from '../../src/doctor/checks/log-core.ts';
import { sources } from '../../src/doctor/checks/sources.ts';
import { veto } from '../../src/doctor/checks/veto.ts';
import { vip } from '../../src/doctor/checks/vip.ts';
import { vipOnLo } from '../../src/doctor/checks/vip-on-lo.ts';
import { checks } from '../../src/doctor/index.ts';
import type { Plan } from '../../src/model/plan.ts';
import { lines, NOW, plan, recording, run } from './fake-host.ts';

const NICS = [{ name: 'eth2' }];
const outcomes = (findings: readonly { outcome: string }[]) => findings.map((f) => f.outcome);

describe('the list of checks', () => {
  it('names that are unique, a summary, a role; a file each', () => {
    assert.equal(new Set(checks.map((c) => c.name)).size, checks.length);
    for (const { name, summary, roles } of checks) {
      assert.notEqual(summary, '');
      assert.notEqual(roles.length, 0);
      const file = `../../src/doctor/checks/${name.replaceAll('_', '-')}.ts`;
      assert.ok(existsSync(join(import.meta.dirname, file)), file);
    }
  });
});

describe('config', () => {
  it('valid, not valid, not named', async () => {
    assert.deepEqual(lines(await run(config, {}, { config: plan({ nics: NICS }) })), [
      'ok | f.yaml; NICs: 1, services: 0, checks per NIC: 0',
    ]);
    const [bad] = await run(config, {}, { config: { file: 'f.yaml', problem: 'f.yaml:1:1: nics: required\nf.yaml:2:1: x\n' } });
    assert.deepEqual(
      [bad!.outcome, bad!.message, bad!.fix],
      ['fail', 'f.yaml:1:1: nics: required (and 1 more)', 'fourlane check-config --config f.yaml'],
    );
    assert.deepEqual(outcomes(await run(config, {})), ['skipped']);
  });
});

describe('ip_vs', () => {
  it('there: version and services', async () => {
    const files = { '/proc/net/ip_vs': recording('ipvs/proc_ip_vs.txt') };
    assert.deepEqual(lines(await run(ipVs, { files })), ['ok | ip_vs 1.2.1, services: 7']);
  });

  it('missing: a warning, no matter with DPDK, a failure where something relies on it', async () => {
    assert.deepEqual(outcomes(await run(ipVs, {})), ['warn']);
    const dpdk = plan({ nics: [{ name: 'dpdk0.kni', dataplane: 'dpdk0' }] });
    assert.deepEqual(outcomes(await run(ipVs, {}, { config: dpdk })), ['skipped']);
    const rte = { path: '/run/dpdk/rte/dpdk_telemetry.v2', rings: [], pools: ['dp_vs_conn_0'] };
    for (const host of [{ processes: { dpvs: [42] } }, { dpdk: [rte] }]) {
      const [here] = await run(ipVs, host);
      assert.deepEqual(
        [here!.outcome, here!.message, here!.fix],
        ['skipped', 'ip_vs is not loaded; DPDK forwards here', undefined],
      );
    }
    const needed = { nics: [], services: [{ actuator: { type: 'ipvs' } }] } as unknown as Plan;
    const [finding] = await run(ipVs, {}, { config: { file: 'f', plan: needed } });
    assert.deepEqual([finding!.outcome, finding!.fix], ['fail', 'modprobe ip_vs && echo ip_vs > /etc/modules-load.d/ip_vs.conf']);
  });
});

describe('arp', () => {
  it('from the load balancer: the command for the real servers, where there is direct routing', async () => {
    const files = { '/proc/net/ip_vs': recording('ipvs/proc_ip_vs.txt') };
    const services = [
      { vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:80'] },
      { vip: '[fd71::100]:80/tcp', realServers: ['[fd72::11]:80'] },
    ];
    const [finding] = await run(arp, { files }, { config: plan({ nics: NICS, services }) });
    assert.deepEqual(
      [finding!.outcome, finding!.fix],
      ['skipped', 'fourlane doctor --role real-server --vip 10.0.0.1,fd71::100'],
    );
    assert.equal((await run(arp, {}))[0]!.fix, undefined);
  });

  const conf = (values: Readonly<Record<string, readonly [ignore: number, announce: number]>>) =>
    Object.fromEntries(
      Object.entries(values).flatMap(([device, [ignore, announce]]) => [
        [`/proc/sys/net/ipv4/conf/${device}/arp_ignore`, `${ignore}\n`],
        [`/proc/sys/net/ipv4/conf/${device}/arp_announce`, `${announce}\n`],
      ]),
    );
  const onRealServer = { role: 'real-server', vips: ['10.0.0.1'] } as const;

  it('the larger of "all" and the device holds', async () => {
    const good = [
      { all: [1, 2], eth0: [0, 0], lo: [0, 0] },
      { all: [0, 0], eth0: [2, 2], default: [0, 0] },
    ] as const;
    for (const values of good) assert.deepEqual(outcomes(await run(arp, { files: conf(values) }, onRealServer)), ['ok', 'ok']);
    const bad = await run(arp, { files: conf({ all: [0, 1], eth0: [1, 2], eth1: [3, 0] }) }, onRealServer);
    assert.deepEqual(
      bad.map((f) => [f.message, f.fix]),
      [
        ['arp_ignore is 3 on eth1; needed: 1 or 2', 'sysctl -w net/ipv4/conf/all/arp_ignore=1'],
        ['arp_announce is 1 on eth1; needed: 2', 'sysctl -w net/ipv4/conf/all/arp_announce=2'],
      ],
    );
    assert.deepEqual(outcomes(await run(arp, {}, { ...onRealServer, vips: ['fd71::100'] })), ['skipped']);
  });
});

const device = (ifname: string, flags: readonly string[], ...list: string[]) => ({
  ifname,
  flags,
  addr_info: list.map((a) => {
    const [local = '', prefix] = a.split('/');
    return { family: local.includes(':') ? 'inet6' : 'inet', local, prefixlen: Number(prefix), scope: 'global' };
  }),
});
const addresses = (...devices: readonly object[]) => ({ 'ip -j address show': JSON.stringify(devices) });

describe('vip_on_lo', () => {
  const vips = ['10.0.0.1', 'fd71::100'];
  const look = async (...devices: readonly object[]) =>
    (await run(vipOnLo, { commands: addresses(...devices) }, { role: 'real-server', vips })).map((f) => [f.outcome, f.fix]);

  it('on lo or a dummy with the whole length', async () => {
    assert.deepEqual(
      await look(device('lo', ['LOOPBACK', 'UP'], '127.0.0.1/8', '10.0.0.1/32'), device('dummy0', ['NOARP'], 'fd71::100/128')),
      [
        ['ok', undefined],
        ['ok', undefined],
      ],
    );
  });

  it('missing, on a NIC, with a subnet', async () => {
    assert.deepEqual(await look(device('lo', ['LOOPBACK'], '10.0.0.1/24'), device('eth0', ['BROADCAST'], '10.9.0.1/24')), [
      ['fail', 'ip address del 10.0.0.1/24 dev lo && ip address add 10.0.0.1/32 dev lo'],
      ['fail', 'ip address add fd71::100/128 dev lo'],
    ]);
    assert.deepEqual(await look(device('lo', ['LOOPBACK'], 'fd71::100/128'), device('eth0', ['BROADCAST'], '10.0.0.1/24')), [
      ['fail', 'ip address del 10.0.0.1/24 dev eth0 && ip address add 10.0.0.1/32 dev lo'],
      ['ok', undefined],
    ]);
  });
});

describe('keepalived and its VIPs', () => {
  const running = (dump?: string) => ({
    '/proc/42/environ': 'A=b\0TMPDIR=/var/tmp\0',
    ...(dump === undefined ? {} : { '/proc/42/root/var/tmp/keepalived.json': dump }),
  });
  const master = recording('doctor/keepalived-master.json');
  const backup = recording('doctor/keepalived-backup.json');
  const eth0 = device('eth0', ['BROADCAST'], '192.0.2.1/32', '192.0.2.2/24', '192.0.2.60/32', 'fe80::1:1/64', '2001:db8::1/64');

  it('MASTER with its VIPs, BACKUP without', async () => {
    assert.deepEqual(
      lines(await run(vip, { processes: { keepalived: [42] }, files: running(master), commands: addresses(eth0) })),
      ['ok | VI_1 | MASTER, has its VIPs (2)', 'ok | VI_6 | MASTER, has its VIPs (2)', 'ok | VI_W | MASTER, has its VIPs (1)'],
    );
    assert.deepEqual(
      outcomes(await run(vip, { processes: { keepalived: [42] }, files: running(backup), commands: addresses() })),
      ['ok', 'ok', 'ok'],
    );
  });

  it('MASTER without a VIP; a VIP here without MASTER: the command for each', async () => {
    const some = device('eth0', ['BROADCAST'], '192.0.2.1/32', '192.0.2.60/32', 'fe80::1:1/64', '2001:db8::1/64');
    const missing = await run(vip, { processes: { keepalived: [42] }, files: running(master), commands: addresses(some) });
    assert.deepEqual(
      [missing[0]!.outcome, missing[0]!.subject, missing[0]!.fix],
      ['fail', 'VI_1 192.0.2.2', 'ip address add 192.0.2.2/24 dev eth0'],
    );
    const two = await run(vip, {
      processes: { keepalived: [42] },
      files: running(backup),
      commands: addresses(device('eth0', [], '192.0.2.60/32')),
    });
    assert.deepEqual([two[2]!.outcome, two[2]!.fix], ['fail', 'ip address del 192.0.2.60/32 dev eth0']);
    const onLo = await run(vip, {
      processes: { keepalived: [42] },
      files: running(backup),
      commands: addresses(device('lo', ['LOOPBACK'], '192.0.2.60/32')),
    });
    assert.deepEqual(outcomes(onLo), ['ok', 'ok', 'ok'], 'a real server too: the VIP on lo is no sign');
  });

  it('not known: no process, no dump, an old one, half of one', async () => {
    assert.match(lines(await run(vip, {}))[0]!, /skipped \| keepalived does not run/);
    assert.match(
      lines(await run(vip, { processes: { keepalived: [42] }, files: running() }))[0]!,
      /skipped \| keepalived has written no dump/,
    );
    assert.match(
      lines(await run(vip, { processes: { keepalived: [42] }, files: running(master), ageMs: 90_000 }))[0]!,
      /last dump 90 s ago/,
    );
    await assert.rejects(
      run(vip, { processes: { keepalived: [42] }, files: running(master.slice(0, 500)), commands: addresses(eth0) }),
      /no whole JSON/,
    );
  });

  it('data: readable, without JSON, denied', async () => {
    const version = (options: string) => ({
      'keepalived -v': `Keepalived v2.2.7 (01/16,2022)\n\nConfig options:  LVS ${options}\n`,
    });
    assert.deepEqual(
      outcomes(await run(keepalived, { processes: { keepalived: [42] }, files: running(master), commands: version('JSON BFD') })),
      ['ok'],
    );
    assert.deepEqual(
      outcomes(await run(keepalived, { processes: { keepalived: [42] }, files: running(master), commands: version('BFD') })),
      ['warn'],
    );
    const denied = await run(keepalived, {
      processes: { keepalived: [42] },
      files: running('EACCES'),
      commands: version('JSON'),
      user: 'fourlane',
    });
    assert.deepEqual(outcomes(denied), ['fail']);
    assert.match(denied[0]!.fix!, /^systemctl edit fourlane/);
    assert.deepEqual(outcomes(await run(keepalived, {})), ['skipped']);
  });
});

describe('sources', () => {
  const failed = (reason: string) => ({ state: 'failed', reason }) as const;

  it('what a collector reads is readable; absent is no fault; failed says why', async () => {
    const readings = {
      ipvs: { state: 'data', data: {} },
      dpvs: { state: 'absent', reason: 'no socket' },
      dpdk: failed('/run/dpdk/rte/dpdk_telemetry.v2: EACCES permission denied'),
      keepalived: failed('must not be asked'),
    } as const;
    const findings = await run(sources, { readings, user: 'fourlane' });
    assert.deepEqual(lines(findings), [
      'ok | ipvs | readable',
      'skipped | dpvs | no socket',
      'fail | dpdk | /run/dpdk/rte/dpdk_telemetry.v2: EACCES permission denied',
    ]);
    assert.equal(findings[2]!.fix, 'setfacl -m u:fourlane:rwx /run/dpdk/rte/dpdk_telemetry.v2');
    const [asRoot] = await run(sources, { readings: { dpdk: failed('/run/x: no answer') } });
    assert.equal(asRoot!.fix, 'fourlane collect dpdk');
  });

  it('absent although the configuration names a port: a warning; turned off: skipped', async () => {
    const config = plan({ nics: [{ name: 'dpdk0.kni', dataplane: 'dpdk0' }], collectors: { ipvs: false } });
    const absent = { state: 'absent', reason: 'no socket' } as const;
    assert.deepEqual(lines(await run(sources, { readings: { dpvs: absent, ipvs: absent, nic: absent } }, { config })), [
      'warn | dpvs | no socket, though nics[].dataplane names dpdk0',
      'skipped | ipvs | turned off in the configuration',
      'skipped | nic | no socket',
    ]);
  });
});

describe('dpvs_agent', () => {
  const URL = 'http://127.0.0.1:53225';
  const services = [{ actuator: { type: 'dpvs', url: URL } }, { actuator: { type: 'dpvs', url: URL } }];
  const config = { file: 'f', plan: { services } as unknown as Plan };
  const asked = 'http://127.0.0.1:53225/v2/vs?healthcheck=true';

  it('200: with support; 204: built without; nobody; something else', async () => {
    assert.deepEqual(outcomes(await run(dpvsAgent, { gets: { [asked]: 200 } }, { config })), ['ok']);
    const [without] = await run(dpvsAgent, { gets: { [asked]: 204 } }, { config });
    assert.match(`${without!.outcome} ${without!.message} ${without!.fix}`, /^fail .*without CONFIG_DPVS_AGENT.* make install/);
    const [nobody] = await run(dpvsAgent, {}, { config });
    assert.equal(nobody!.message, 'dpvs-agent does not answer: connect ECONNREFUSED');
    assert.equal(nobody!.fix, 'dpvs-agent --host 127.0.0.1 --port 53225 --ipc-sockopt-path /var/run/dpvs.ipc');
    assert.match((await run(dpvsAgent, { gets: { [asked]: 500 } }, { config }))[0]!.message, /answers 500/);
    const socket = {
      file: 'f',
      plan: { services: [{ actuator: { type: 'dpvs', url: 'unix:/run/a.sock' } }] } as unknown as Plan,
    };
    assert.match(
      (await run(dpvsAgent, {}, { config: socket }))[0]!.fix!,
      /^dpvs-agent --scheme unix --socket-path \/run\/a\.sock /,
    );
    assert.deepEqual(outcomes(await run(dpvsAgent, {})), ['skipped']);
  });
});

describe('log_core', () => {
  const pools = ['mbuf_pool_0', 'dp_vs_conn_0', 'log_msg_pool'];
  const look = async (rings: readonly string[] | undefined, list = pools) =>
    outcomes(await run(logCore, { dpdk: [{ path: '/run/dpdk/rte/dpdk_telemetry.v2', rings, pools: list }] }));

  it('rings of the log, or for an old DPDK its pool', async () => {
    assert.deepEqual(await look(['log_ring_w1', 'log_ring_w2', 'msg_ring_1']), ['ok']);
    const rte = { path: '/rte', rings: ['log_ring_w2', 'msg_ring_0', 'msg_ring_1', 'msg_ring_2'], pools };
    assert.deepEqual(
      lines(await run(logCore, { dpdk: [rte] })),
      ['ok | /rte | a log core is at work: lcore 2'],
      'as recorded of DPVS: its ring is named after it',
    );
    assert.deepEqual(await look(undefined), ['ok']);
    assert.deepEqual(await look(['msg_ring_1']), ['warn']);
    assert.deepEqual(await look(undefined, ['dp_vs_conn_0']), ['warn']);
    assert.deepEqual(await look([], ['mbuf_pool_0']), ['skipped'], 'another DPDK program');
    assert.deepEqual(outcomes(await run(logCore, {})), ['skipped']);
  });
});

describe('clock', () => {
  it('kept, not kept, far off, absurd, slow', async () => {
    const source = (now: string) => ({
      '/sys/devices/system/clocksource/clocksource0/current_clocksource': `${now}\n`,
      '/sys/devices/system/clocksource/clocksource0/available_clocksource': 'hpet tsc acpi_pm\n',
    });
    assert.deepEqual(lines(await run(clock, { files: source('tsc') })), ['ok | synchronised, off by 1 ms at most']);
    assert.deepEqual(outcomes(await run(clock, { synchronised: false })), ['warn']);
    assert.deepEqual(outcomes(await run(clock, { maxErrorMs: 3000 })), ['warn']);
    assert.deepEqual(outcomes(await run(clock, { now: 0 })), ['fail']);
    const slow = await run(clock, { files: source('hpet'), now: NOW });
    assert.deepEqual(
      [slow[1]!.outcome, slow[1]!.fix],
      ['warn', 'echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource'],
    );
  });
});

describe('veto', () => {
  it('a NIC is seen by the VIPs or the local addresses on its port; others have no veto, and it says so', async () => {
    const services = [
      {
        match: false,
        vip: '10.71.0.100:80/tcp',
        port: 'dpdk0',
        via: 'dpdk1',
        realServers: [{ realServer: '10.72.0.11:80', forward: 'FullNAT', traffic: { connections: 0, outPackets: 0 } }],
      },
    ];
    const data = { ports: [], services, epoch: '1' };
    const nics = [0, 1, 2].map((i) => ({ name: `dpdk${i}.kni`, dataplane: `dpdk${i}` }));
    const config = plan({ nics: [...nics, { name: 'eth0' }] });
    const findings = await run(veto, { readings: { dpvs: { state: 'data', data } } }, { config });
    assert.deepEqual(
      findings.map((f) => [f.outcome, f.subject]),
      [
        ['ok', 'dpdk0.kni'],
        ['ok', 'dpdk1.kni'],
        ['warn', 'dpdk2.kni'],
      ],
    );
    assert.match(findings[2]!.message, /^no veto: /);
    assert.deepEqual(outcomes(await run(veto, {}, { config: plan({ nics: NICS }) })), ['skipped']);
    const absent = { dpvs: { state: 'absent', reason: 'no socket' } } as const;
    assert.deepEqual(outcomes(await run(veto, { readings: absent }, { config })), ['skipped']);
  });
});
