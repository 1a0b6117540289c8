/** `fourlane init` on a host with keepalived and IPVS, and on one with a bond, VLANs and policy tables, on a real kernel. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { checkConfig } from '../../../src/cli/check-config.ts';
import { init } from '../../../src/cli/init.ts';
import { run as exec } from '../../../src/lab/netns.ts';
import { printed } from '../../cli/printed.ts';
import { AgentProcess, until } from '../../system/harness.ts';
import { ipvsadm, makeNetwork, RS, serveBoth, table, VIP, VIP_BY_HAND, weightOf } from './net.ts';
import { PROGRAM } from '../../../src/lab/program.ts';

const LIMIT_MS = 120_000;
const dir = mkdtempSync('/tmp/init-');

/** A command in this process: starting one takes the emulated machine half a minute. */
async function run(command: typeof init, argv: readonly string[]): Promise<string> {
  const { status, out, err } = await printed(command, argv);
  assert.equal(status, 0, err);
  return out;
}

/** The file that is written, the same twice, as check-config accepts it. */
async function written(name: string): Promise<string> {
  const file = `${dir}/${name}.yaml`;
  await run(init, ['--output', file]);
  const text = readFileSync(file, 'utf8');
  assert.equal(await run(init, ['--stdout']), text);
  await run(checkConfig, [file]);
  return text;
}

const realServer = (ip: string, weight: number, check: string) =>
  `real_server ${ip} 80 {\nweight ${weight}\n${check} {\nconnect_timeout 2\n}\n}\n`;
const CONF = `virtual_server ${VIP} 80 {
delay_loop 2
lvs_sched wrr
lvs_method NAT
protocol TCP
${realServer(RS.rs1, 5, 'TCP_CHECK')}${realServer(RS.rs2, 7, 'TCP_CHECK')}}
`;

describe('init beside keepalived and IPVS', () => {
  let keepalived: ChildProcess;

  before(async () => {
    makeNetwork();
    await serveBoth();
    // What keepalived has, with a real server that its file does not have, and a service made by hand.
    table(`-A -t ${VIP_BY_HAND}:80 -s rr`, `-a -t ${VIP_BY_HAND}:80 -r ${RS.rs1}:80 -m -w 3`);
    writeFileSync('/etc/keepalived/init.conf', CONF);
    const argv = ['-n', '-l', '-C', '--no-syslog', '-f', '/etc/keepalived/init.conf'];
    keepalived = spawn('keepalived', argv, { stdio: 'ignore' });
    process.once('exit', () => keepalived.kill());
    await until('keepalived has made its service', LIMIT_MS, () => weightOf(`${VIP}:80`, `${RS.rs2}:80`) === 7);
    ipvsadm(`-a -t ${VIP}:80 -r 10.1.0.13:80 -m -w 2`);
  });
  after(() => {
    keepalived.kill();
    ipvsadm('-C');
  });

  it('services of its file with its checks, the rest from IPVS; an agent runs with it and finds all well', async () => {
    const text = await written('lvs');
    assert.match(text, /^# {3}keepalived +found +\/etc\/keepalived\/init\.conf: 1 service$/m);
    assert.match(text, /^# {3}ipvs +found +\/proc\/net\/ip_vs: 2 services$/m);
    assert.match(
      text,
      /^ {2}tcp: \{type: tcp, interval: 1000ms, timeout: 1000ms\} # TCP_CHECK at \/etc\/keepalived\/init\.conf:8$/m,
    );
    assert.match(text, /^ {6}- \{address: 10\.1\.0\.11:80, weight: 5\} # \/etc\/keepalived\/init\.conf:6$/m);
    assert.match(text, /^ {6}- \{address: 10\.1\.0\.13:80, weight: 2\} # IPVS \(Masq\)$/m);
    assert.match(text, new RegExp(`^ {2}- vip: ${VIP_BY_HAND}:80/tcp # from IPVS, scheduler rr$`, 'm'));
    assert.match(text, /^ {2}- name: br0 # ip link: 10\.1\.0\.1\/24, fd01::1\/64, bridge of rs1, rs2/m);
    ipvsadm(`-d -t ${VIP}:80 -r 10.1.0.13:80`);
    const own = `listen: 127.0.0.1:9845\nstateDir: ${dir}/state\ncontrol: ${dir}/control\n`;
    const file = `${dir}/run.yaml`;
    writeFileSync(file, (await run(init, ['--stdout'])) + own);
    const agent = AgentProcess.spawn(file);
    try {
      await until('the agent is ready', LIMIT_MS, () => agent.logged(/^ready/) !== undefined || agent.ended !== undefined);
      await agent.ready();
      await agent.allGood(LIMIT_MS);
    } finally {
      await agent.end();
    }
  });
});

describe('init on a host with a bond, VLANs and policy tables', () => {
  before(() => {
    exec(['modprobe', '-a', 'bonding', '8021q']);
    const ip = (commands: string, ns: string) =>
      exec(['ip', ...(ns === '' ? [] : ['-n', ns]), '-batch', '-'], `${commands.trim()}\n`);
    const plugs = [0, 1, 2].map((n) => `link add eth${n} netns edge type veth peer name plug${n}\nlink set plug${n} up`);
    ip(['netns add edge', ...plugs].join('\n'), '');
    ip(
      `link add bond0 type bond mode active-backup miimon 100
link set eth1 master bond0
link set eth2 master bond0
link set lo up
link set eth0 up
link set bond0 up
link add link bond0 name bond0.100 type vlan id 100
link add link bond0 name bond0.200 type vlan id 200
link set bond0.100 up
link set bond0.200 up
address add 192.0.2.10/24 dev eth0
address add 10.100.0.10/24 dev bond0.100
address add 10.200.0.10/24 dev bond0.200
route add default via 192.0.2.1
route add 10.9.0.0/16 via 10.100.0.1
route add default via 10.200.0.1 dev bond0.200 table 200
rule add from 10.200.0.10 lookup 200 priority 200`,
      'edge',
    );
    const lines = ['-A -t 203.0.113.1:80 -s rr', '-a -t 203.0.113.1:80 -r 10.9.0.5:80 -m -w 100'];
    exec(['ip', 'netns', 'exec', 'edge', 'ipvsadm', '-R'], `${lines.join('\n')}\n`);
  });

  it('VLANs of the bond are one group; the one with a table for its address gets its source', () => {
    const {
      stdout: text,
      stderr,
      status,
    } = spawnSync('ip', ['netns', 'exec', 'edge', process.execPath, PROGRAM, 'init', '--stdout'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const nics = text.slice(text.indexOf('nics:'), text.indexOf('\n\n', text.indexOf('nics:')));
    assert.equal(
      nics,
      `nics:
  - name: bond0.100 # ip link: 10.100.0.10/24, VLAN 100 on bond0, taken since no interface of the machine itself leads there
    group: bond0 # bond0 carries it: these NICs fail together
    anchors:
      - 10.100.0.1 # ip route: 10.9.0.0/16 via 10.100.0.1 dev bond0.100
  - name: bond0.200 # ip link: 10.200.0.10/24, VLAN 200 on bond0, taken since no interface of the machine itself leads there
    group: bond0 # bond0 carries it: these NICs fail together
    source: 10.200.0.10 # ip rule: only packets from 10.200.0.10 go by this NIC
    anchors:
      - 10.200.0.1 # ip route: default via 10.200.0.1 dev bond0.200 table 200
  # left out: eth0: no real server is reached by it (veth); if it is a way to them, give it a route and add it`,
    );
  });
});
