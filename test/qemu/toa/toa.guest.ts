/**
 * TOA with the real module of DPVS on a real kernel: what a listener sees of connections with the option, what the verification
 * makes of it directly (P5) and through a VIP (P3, the agent), and what the recipe of docs/passthrough.md counts, without the
 * module, with it, and without it again.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { passthroughCommand } from '../../../src/cli/passthrough.ts';
import { run } from '../../../src/lab/netns.ts';
import { AgentProcess, metricOf, until, writeConfig } from '../../system/harness.ts';
import { CLIENT, makeNetwork, RS, RS6, VIP } from '../guest/net.ts';
import { peer } from '../guest/peer.ts';
import { connectAs, fullNat } from './full-nat.ts';

const SNAT = { 4: '10.1.0.1', 6: 'fd01::1' } as const;
const TEST = { 4: { ip: '192.0.2.77', port: 40_077 }, 6: { ip: '2001:db8::77', port: 40_077 } } as const;
const LIMIT_MS = 300_000;
const at = { four: 8080, six: 8081, both: 8082 } as const;

/** Who the real server takes for the client of a connection with an option of this kind. */
async function seen(port: number, kind: number, family: 4 | 6 = 4): Promise<string> {
  const socket = await connectAs(TEST[family], { family, ip: (family === 4 ? RS : RS6).rs1, port }, kind);
  socket.write('GET / HTTP/1.0\r\n\r\n');
  return (await text(socket)).split('client ')[1]!.trim();
}

/** Counters of the module as the recipe of the document makes metrics of them. */
function counters(): ReadonlyMap<string, number> {
  const [, program = ''] = /^awk '([^\n]+)' \/proc\/net\/toa_stats/m.exec(readFileSync('/passthrough.md', 'utf8'))!;
  const lines = run(['/bin/busybox', 'awk', program, '/proc/net/toa_stats']).trim().split('\n');
  return new Map(
    lines.map((line) => /^toa_stats_total\{counter="(\w+)"\} (\d+)$/.exec(line)!).map(([, n, v]) => [n!, Number(v)]),
  );
}

/** What has been added since. */
const growth = (since: ReadonlyMap<string, number>, name: string) => counters().get(name)! - since.get(name)!;

/** Results of P5 by service. */
async function p5(): Promise<Readonly<Record<string, string>>> {
  const dir = mkdtempSync('/tmp/p5-');
  const one = (name: string, vip: number, realServer: string, option: object) => ({
    name,
    vip: `10.0.0.${vip}:80/tcp`,
    realServers: [realServer],
    check: { type: 'http', interval: '10s' },
    passthrough: { mode: 'toa', echo: '/whoami', option },
  });
  const file = writeConfig(dir, {
    stateDir: dir,
    nics: [{ name: 'br0' }],
    services: [
      one('kind254', 1, `${RS.rs1}:${at.four}`, {}),
      one('kind200', 2, `${RS.rs1}:${at.four}`, { kind: 200 }),
      one('v6', 3, `[${RS6.rs1}]:${at.six}`, {}),
      one('both', 4, `${RS.rs1}:${at.both}`, {}),
    ],
  });
  const said: string[] = [];
  await passthroughCommand(['--config', file], { out: (line) => void said.push(line), err: () => undefined });
  const rows = said
    .join('')
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  for (const row of rows) if (row[2] === 'P5') console.log(row.join('  '));
  return Object.fromEntries(rows.filter(([, , level]) => level === 'P5').map(([service, , , result]) => [service, result]));
}

describe('TOA', { timeout: 1_200_000 }, () => {
  const dir = mkdtempSync('/tmp/p3-');
  let agent: AgentProcess;
  let nat: Server;
  const file = writeConfig(dir, {
    stateDir: dir,
    listen: '127.0.0.1:9844',
    nics: [{ name: 'eth0' }],
    snat: { pool: '10.1.0.0/24', servers: 16, cores: 16, server: 1, groups: { eth0: 0 } },
    services: [
      {
        name: 'web',
        vip: `${VIP}:8080/tcp`,
        realServers: ['10.9.0.1:8080'],
        check: { type: 'tcp', interval: '10s' },
        passthrough: { mode: 'toa', echo: '/whoami', through: ['vip'] },
      },
    ],
    collectors: { passthrough: { interval: '10s' } },
  });
  /** Waits for a verification by the agent, a client of the VIP on another machine, that began after now. */
  const p3 = async (ok: 0 | 1): Promise<number | undefined> => {
    let page = '';
    await until(`P3 finds ${ok}`, LIMIT_MS, async () => {
      page = (await agent.control('/metrics')).text;
      return metricOf(page, 'fourlane_passthrough_ok', 'service="web"') === ok;
    });
    console.log(
      `P3 of the agent: ${page
        .split('\n')
        .filter((line) => /^fourlane_passthrough_(ok|finding)\{/.test(line))
        .join('  ')}`,
    );
    return metricOf(page, 'fourlane_passthrough_finding', 'finding="ADDRESS_LOST"', 'cause="load_balancer"');
  };

  before(async () => {
    run(['mount', '-t', 'cgroup2', 'none', '/sys/fs/cgroup']);
    makeNetwork();
    await peer('rs1').tell('whoami');
    nat = fullNat({ ip: VIP, port: 8080 }, { family: 4, ip: RS.rs1, port: at.four }, 254);
    agent = AgentProcess.spawn(file, { wrap: ['ip', 'netns', 'exec', 'cli'] });
    await until('the agent is ready', LIMIT_MS, () => agent.logged(/^ready/) !== undefined || agent.ended !== undefined);
    assert.equal(agent.ended, undefined, JSON.stringify(agent.log.slice(-5)));
  });
  after(async () => {
    await agent.end();
    nat.close();
  });

  const without = async () => {
    for (const kind of [254, 200, 28]) assert.match(await seen(at.four, kind), new RegExp(`^${SNAT[4]} `));
    assert.match(await seen(at.six, 254, 6), new RegExp(`^${SNAT[6]} `));
    assert.deepEqual(await p5(), { kind254: 'MISMATCH', kind200: 'MISMATCH', v6: 'MISMATCH', both: 'MISMATCH' });
    assert.equal(await p3(0), 1);
  };

  it('without the module the real server sees the SNAT address, silently; P5 and P3 find it lost', without);

  it('with the module it sees what the option says, of its kind only; P5 and P3 are content', async () => {
    run(['/bin/busybox', 'insmod', '/toa.ko']);
    const four = `${TEST[4].ip} ${TEST[4].port}`;
    assert.equal(await seen(at.four, 254), four);
    assert.equal(await seen(at.both, 254), `::ffff:${four}`);
    assert.equal(await seen(at.six, 254, 6), `${TEST[6].ip} ${TEST[6].port}`);
    for (const kind of [200, 28]) assert.match(await seen(at.four, kind), new RegExp(`^${SNAT[4]} `), `kind ${kind}`);
    assert.deepEqual(await p5(), { kind254: 'ok', kind200: 'MISMATCH', v6: 'ok', both: 'ok' });
    assert.equal(await p3(1), undefined);
    assert.equal(await seenThroughVip(), CLIENT);
  });

  it('the recipe counts connections with and without it', async () => {
    process.kill(agent.pid, 'SIGSTOP');
    await sleep(2000); // what it has begun ends
    const before = counters();
    for (let k = 0; k < 3; k++) await seen(at.four, 254);
    await seen(at.four, 200);
    const [toa, none] = [growth(before, 'syn_recv_sock_toa'), growth(before, 'syn_recv_sock_no_toa')];
    console.log(`toa_stats: ${toa} connections with the option, ${none} without: a share of ${toa / (toa + none)}`);
    // Each goes with one to ourselves, over loopback, in which the option is looked for.
    assert.deepEqual([toa, none], [6, 2]);
    assert.ok(growth(before, 'getname_toa_ok') >= 3);
    assert.equal(growth(before, 'getname_toa_mismatch'), 0);
    process.kill(agent.pid, 'SIGCONT');
  });

  it('after rmmod the SNAT address is back, and found', async () => {
    run(['/bin/busybox', 'rmmod', 'toa']);
    await without();
  });
});

/** The address that the real server has of a client of the VIP. */
async function seenThroughVip(): Promise<string> {
  const wget = ['ip', 'netns', 'exec', 'cli', '/bin/busybox', 'wget', '-q', '-O', '-', `http://${VIP}:8080/whoami`];
  const { stdout } = await promisify(execFile)(wget[0]!, wget.slice(1));
  return stdout.split(' ')[1]!;
}
