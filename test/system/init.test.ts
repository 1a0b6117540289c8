/**
 * `fourlane init` on machines made of namespaces: what it writes is accepted, an agent runs with it, a second run gives the same
 * bytes, and the routes it follows are the kernel's. Needs root.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { thisHost } from '../../src/doctor/host.ts';
import { Ways } from '../../src/init/network.ts';
import { network } from '../../src/init/sources/network.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { FakeDpvs, ONE_HOST, replay } from '../collect/dpvs-fake.ts';
import { AgentProcess, enterOwnNetwork, listening, run } from './harness.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const LIMIT = { timeout: 60_000 };
const dir = mkdtempSync(join(tmpdir(), 'fourlane-init-'));

/** Not awaited in one go: what it asks may be answered by this process. */
async function fourlane(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...argv], { cwd: dir, timeout: 30_000, env: { ...process.env, ...env } });
  const texts = { stdout: text(child.stdout), stderr: text(child.stderr) };
  const [status] = (await once(child, 'exit')) as [number | null];
  return { status, stdout: await texts.stdout, stderr: await texts.stderr };
}

/** As many commands of `ip`. */
const ip = (commands: string) => void run('ip -batch -', `${commands.trim().replace(/^\s+/gm, '')}\n`);

/** Writes a file twice, has it checked, and runs an agent with it that keeps its own things in our directory. */
async function proven(name: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const file = join(dir, `${name}.yaml`);
  const first = await fourlane(['init', '--output', file], env);
  assert.equal(first.status, 0, first.stderr);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  const written = readFileSync(file, 'utf8');
  const again = await fourlane(['init', '--stdout'], env);
  assert.equal(again.stdout, written);
  const checked = await fourlane(['check-config', file]);
  assert.equal(checked.status, 0, checked.stderr);
  const own = `listen: 127.0.0.1:0\nstateDir: ${dir}/${name}\ncontrol: ${dir}/${name}.control\n`;
  const running = join(dir, `${name}.run.yaml`);
  writeFileSync(running, written + own);
  const agent = await AgentProcess.start(running);
  assert.equal(await agent.end('SIGTERM'), 0);
  return written;
}

before(() => {
  ensure(['iproute2', 'keepalived']);
  enterOwnNetwork();
});
after(() => rmSync(dir, { recursive: true }));

describe('a bare host', () => {
  test('says what it looked for; the file is valid, and an agent runs with it', LIMIT, async () => {
    const written = await proven('bare');
    for (const source of ['keepalived', 'ipvs', 'dpvs', 'network', 'etcd', 'prometheus'])
      assert.match(written, new RegExp(`^#   ${source} +absent  \\S`, 'm'));
    assert.match(written, /^ {2}- name: lo # there is no other\n/m);
    assert.match(written, /^services: \[\]$/m);
  });

  test('what exists is not overwritten, and that is said with the remedy', LIMIT, async () => {
    const file = join(dir, 'fourlane.yaml');
    writeFileSync(file, 'mine\n');
    const refused = await fourlane(['init']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /fourlane\.yaml exists, and init overwrites nothing; write --output with another name/);
    assert.equal(readFileSync(file, 'utf8'), 'mine\n');
    const nowhere = await fourlane(['init', '--output', '/no/such/place.yaml']);
    assert.equal(nowhere.status, 1);
    assert.match(nowhere.stderr, /the directory \/no\/such does not exist; create it/);
    assert.match((await fourlane(['init', 'x.yaml'])).stderr, /found "x\.yaml"; write --output x\.yaml/);
  });
});

describe('a host with several NICs and policy routes', () => {
  before(() => {
    ip(`link add eth0 type veth peer name far0
      link add eth1 type veth peer name far1
      link add eth2 type veth peer name far2
      link add br0 type bridge
      link set eth2 master br0
      link set br0 type bridge forward_delay 0`);
    for (const device of ['eth0', 'eth1', 'eth2', 'far0', 'far1', 'far2', 'br0']) {
      run(`ip link set ${device} addrgenmode none`);
      run(`ip link set ${device} up`);
    }
    ip(`address add 192.0.2.10/24 dev eth0
      address add 198.51.100.10/24 dev eth1
      address add 10.3.0.10/24 dev br0
      address add 2001:db8:1::10/64 dev eth0 nodad
      route add default via 192.0.2.1 dev eth0
      route add default via 198.51.100.1 dev eth1 metric 50
      route add 10.8.0.0/16 nexthop via 192.0.2.1 dev eth0 nexthop via 198.51.100.1 dev eth1
      route add 10.9.0.0/16 via 10.3.0.1 dev br0
      route add unreachable 10.7.0.0/16
      route add default via 198.51.100.1 dev eth1 table 101
      route add throw 10.9.0.0/16 table 101
      rule add oif eth1 lookup 101 priority 101
      route add default via 10.3.0.1 dev br0 table 103
      rule add from 10.3.0.10 lookup 103 priority 103
      rule add fwmark 7 lookup 103 priority 90
      rule add to 10.6.0.0/16 lookup 103 priority 95`);
    run('ip -6 route add default via 2001:db8:1::1 dev eth0');
  });

  test('its NICs, their gateways as anchors, etcd and Prometheus; valid, runs', LIMIT, async () => {
    const servers = [2379, 9090].map((port) => ({ port, server: createServer((_, response) => response.end('{}')) }));
    for (const { server, port } of servers) await listening(server, port);
    const written = await proven('several');
    for (const { server } of servers) server.close();
    assert.match(written, /^# etcd answers: http:\/\/127\.0\.0\.1:2379\./m);
    assert.match(written, /^# Prometheus answers at http:\/\/127\.0\.0\.1:9090\./m);
    for (const name of ['eth0', 'eth1']) assert.match(written, new RegExp(`^ {2}- name: ${name} # ip link: `, 'm'));
    assert.match(written, /^ {6}- 192\.0\.2\.1 # ip route: default via 192\.0\.2\.1 dev eth0$/m);
    assert.match(written, /^ {6}- 2001:db8:1::1 # ip route: default via 2001:db8:1::1 dev eth0$/m);
  });

  test('the routes that it follows are those of the kernel', LIMIT, async () => {
    const { facts } = await network.look({ host: thisHost(AbortSignal.timeout(30_000), 5000), env: {}, paths: async () => [] });
    const ways = new Ways(facts!.network!);
    const targets = ['203.0.113.1', '10.6.0.1', '10.7.0.1', '10.8.0.1', '10.9.0.1', '10.3.0.20', '192.0.2.20', '2001:db8:2::1'];
    const devices = [undefined, 'eth0', 'eth1', 'br0'];
    const sources = [undefined, '10.3.0.10', '192.0.2.10'];
    let compared = 0;
    for (const to of targets) {
      for (const device of devices) {
        for (const from of to.includes(':') ? [undefined] : sources) {
          const way = ways.to(to, { ...(device === undefined ? {} : { device }), ...(from === undefined ? {} : { from }) });
          const by = [...(from === undefined ? [] : ['from', from]), ...(device === undefined ? [] : ['oif', device])];
          const asked = spawnSync('ip', ['-j', 'route', 'get', 'fibmatch', to, ...by], { encoding: 'utf8' });
          const [kernel] =
            asked.status === 0 ? (JSON.parse(asked.stdout) as { dst: string; table?: string; type?: string }[]) : [];
          const isNone = kernel === undefined || kernel.type === 'unreachable';
          const shown = `${to} by ${device} from ${from}`;
          assert.equal(way?.route.to, isNone ? undefined : kernel.dst, `${shown}: ${asked.stdout}${asked.stderr}`);
          if (!isNone) assert.equal(way?.route.table, kernel.table ?? 'main', shown);
          compared++;
        }
      }
    }
    assert.equal(compared, 88);
  });
});

describe('the same host with a keepalived.conf', () => {
  test('its services with their checks, and the NICs that lead to their real servers; valid, runs', LIMIT, async () => {
    run('mount -t tmpfs tmpfs /etc/keepalived');
    const check = 'HTTP_GET {\nconnect_timeout 2\nurl {\npath /health\n}\n}\n';
    const server = (vip: string, rs: string) =>
      `virtual_server ${vip} 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server ${rs} 8080 {\n${check}}\n}\n`;
    writeFileSync('/etc/keepalived/keepalived.conf', 'include conf.d/*.conf\n');
    mkdirSync('/etc/keepalived/conf.d');
    writeFileSync('/etc/keepalived/conf.d/a.conf', server('203.0.113.10', '10.9.0.5'));
    writeFileSync('/etc/keepalived/conf.d/b.conf', server('203.0.113.11', '10.8.0.5'));
    const written = await proven('keepalived');
    assert.match(written, /^# {3}keepalived +found +\/etc\/keepalived\/keepalived\.conf with 2 included files: 2 services$/m);
    assert.match(
      written,
      /^ {2}http: \{type: http, .*path: \/health, interval: 1000ms, timeout: 1000ms\} # HTTP_GET at .*a\.conf:6$/m,
    );
    // 10.9/16 by the bridge alone; 10.8/16 by both others, and by the bridge when its own address is the source.
    const nicsOf = (vip: string) => new RegExp(`vip: ${vip}.*\\n.*\\n {4}nics: \\[(.*?)\\]`).exec(written)?.[1];
    assert.equal(nicsOf('203\\.0\\.113\\.10'), 'br0');
    assert.equal(nicsOf('203\\.0\\.113\\.11'), undefined, 'all of them');
    const imported = join(dir, 'imported.yaml');
    assert.equal((await fourlane(['init', '--import', '--output', imported])).status, 0);
    const { status, stdout } = await fourlane(['check-config', imported]);
    assert.equal(status, 0);
    assert.match(stdout, /203\.0\.113\.11:80\/tcp .*actuator shadow/);
  });
});

describe('a host from recorded DPVS bytes', () => {
  test('services, ports and their NICs; valid, runs; a socket that is elsewhere is configured', LIMIT, async () => {
    ip(`link add dpdk0.kni type veth peer name kni0
      link add dpdk1.kni type veth peer name kni1`);
    for (const n of [0, 1]) {
      run(`ip address add 10.${71 + n}.0.2/24 dev dpdk${n}.kni`);
      for (const name of [`dpdk${n}.kni`, `kni${n}`]) run(`ip link set ${name} up`);
    }
    const server = await new FakeDpvs(replay(ONE_HOST)).listen();
    try {
      const written = await proven('dpvs', { DPVS_IPC_FILE: server.path });
      assert.match(written, /^ {4}dataplane: dpdk1 # DPVS: the port behind it$/m);
      assert.match(written, /^ {4}nics: \[dpdk1\.kni\] # DPVS: its local addresses are on dpdk1$/m);
      assert.match(written, new RegExp(`^ {2}dpvs: \\{socket: ${server.path}\\}`, 'm'));
    } finally {
      await server.close();
    }
  });
});
