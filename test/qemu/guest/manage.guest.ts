/**
 * fourlane in place of keepalived, from keepalived's own file, on a real kernel: left to a keepalived that runs, then the same
 * table as keepalived has made, also when the agent is killed in the middle of it; what others have made stays.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../src/lab/netns.ts';
import { AgentProcess, QUICK, until, writeConfig } from '../../system/harness.ts';
import { ipvsadm, makeNetwork, RS, RS6, saved, serveBoth, VIP, VIP6, VIP_BY_HAND } from './net.ts';

const FILE = '/etc/keepalived/managed.conf';
const LIMIT_MS = 60_000;
/** Listing the table takes the only CPU for a while. */
const LOOK_MS = 500;
/** No check is made of it, so it need not be there. */
const SORRY = '10.1.0.99';
/** Services of the range: making them all takes long enough to be killed in the middle. */
const MANY = 60;
/** All that the file has, and the one made by hand. */
const ALL = MANY + 13;

const real = (ip: string, port: number, ...lines: string[]) =>
  `  real_server ${ip} ${port} {\n${lines.map((line) => `    ${line}\n`).join('')}    PING_CHECK {\n      retry 1\n    }\n  }\n`;
const virtual = (name: string, options: string, ...servers: string[]) =>
  `virtual_server ${name} {\n  delay_loop 2\n${options
    .split('; ')
    .map((line) => `  ${line}\n`)
    .join('')}${servers.join('')}}\n`;
const pair = (port: number) => [real(RS.rs1, port), real(RS.rs2, port)];
const WEB = virtual(
  `${VIP} 80`,
  'lb_algo wrr; lb_kind NAT; protocol TCP; persistence_timeout 300; persistence_granularity 255.255.255.0',
  real(RS.rs1, 80, 'weight 5', 'uthreshold 100', 'lthreshold 50'),
  real(RS.rs2, 8080, 'weight 7'),
);
const REST = [
  virtual(`${VIP} 53`, 'lb_algo rr; lb_kind NAT; protocol UDP; ops', ...pair(53)),
  virtual(`${VIP} 443`, 'lb_algo mh; lb_kind DR; protocol TCP; mh-port; mh-fallback', ...pair(443)),
  virtual(`${VIP} 5060`, 'lb_algo rr; lb_kind NAT; protocol UDP; persistence_timeout; persistence_engine sip', ...pair(5060)),
  virtual(
    `${VIP} 81`,
    'lb_algo wlc; lb_kind TUN type gue port 6080; protocol TCP',
    real(RS.rs1, 81),
    real(RS.rs2, 81, 'lvs_method TUN type gre csum'),
  ),
  virtual(
    `${VIP6} 80`,
    'lb_algo sh; lb_kind NAT; protocol TCP; sh-port; persistence_granularity 64',
    real(RS6.rs1, 80),
    real(RS6.rs2, 80),
  ),
  virtual('fwmark 7', 'lb_algo rr; lb_kind DR', ...pair(80)),
  virtual('fwmark 8', 'lb_algo lc; lb_kind NAT; ip_family inet6', real(RS6.rs1, 80)),
  virtual(`${VIP} 82`, `lb_algo rr; lb_kind NAT; protocol TCP; quorum 2; sorry_server ${SORRY} 8080`, ...pair(82)),
  virtual(
    `${VIP} 83`,
    `lb_algo wrr; lb_kind DR; protocol TCP; quorum 7; hysteresis 1; sorry_server ${SORRY} 83; sorry_server_inhibit`,
    real(RS.rs1, 83, 'weight 5'),
    real(RS.rs2, 83, 'weight 3'),
  ),
  // One of its real servers.
  virtual(
    `${VIP} 84`,
    `lb_algo wrr; lb_kind NAT; protocol TCP; quorum 6; sorry_server ${RS.rs2} 84`,
    real(RS.rs1, 84, 'weight 4'),
    real(RS.rs2, 84, 'weight 5'),
  ),
  `virtual_server_group many {\n  192.0.2.100-${99 + MANY} 80\n  fwmark 9\n}\n`,
  virtual('group many', 'lb_algo wrr; lb_kind NAT; protocol TCP', ...pair(80)),
].join('');

/** Services of the kernel, marks too. */
const services = () => readFileSync('/proc/net/ip_vs', 'utf8').match(/^(?:TCP|UDP|FWM)/gm)?.length ?? 0;
const write = (text: string) => {
  writeFileSync(`${FILE}.new`, text);
  renameSync(`${FILE}.new`, FILE);
};

const OF_RS1 = new RegExp(` -r (?:${RS.rs1}|\\[${RS6.rs1}\\]):`);
/** The only real server of its service stays in service (R12): keepalived removes it. */
const LAST_ONE = `-a -f 8 -6 -r [${RS6.rs1}]:80 `;
/** Without the list of thresholds. */
const entriesIn = (text: string) => text.split('\nIP Virtual', 1)[0]!.split('\n');
/** A table without the entries that get no connections, in an order of its own. */
const carrying = (text: string) =>
  entriesIn(text)
    .filter((line) => !/ -w 0(?: |$)/.test(line) && !line.startsWith(LAST_ONE))
    .toSorted()
    .join('\n');
/** What it has of the services with a sorry server. */
const ofSorry = (text: string) =>
  entriesIn(text)
    .filter((line) => /:8[234] /.test(line))
    .join('\n');

describe('in place of keepalived', () => {
  const dir = mkdtempSync('/tmp/manage-');
  let agent: AgentProcess;
  let keepalived: ChildProcess;
  let whole = '';
  /** keepalived's table while rs1 does not answer. */
  let lost = '';
  const config = () =>
    writeConfig(dir, {
      listen: '127.0.0.1:9846',
      stateDir: dir,
      nics: [{ name: 'br0' }],
      services: [],
      // Slow enough for an emulated machine: a probe that starts late proves nothing.
      import: {
        keepalived: { file: FILE, mode: 'manage', panic: 0, timing: { interval: '2s', timeout: '1s', fall: 2, rise: 2 } },
      },
      collectors: { ipvs: false, keepalived: false },
      rules: QUICK,
    });
  const start = async () => {
    agent = AgentProcess.spawn(config());
    await until('the agent is ready', 2 * LIMIT_MS, () => agent.logged(/^ready/) !== undefined || agent.ended !== undefined);
    await agent.ready();
  };
  const isWhole = () =>
    until('the table is whole', LIMIT_MS, () => services() === ALL && saved() === whole, LOOK_MS).catch(differences);
  const differences = (error: Error) => {
    // Without the many of the range, which would hide the others.
    const lines = (text: string) => text.split('\n').filter((line) => !/ 192\.0\.2\.1\d\d:80 /.test(line));
    const [wanted, found] = [lines(whole), lines(saved())];
    const other = [
      ...wanted.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
      ...found.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`),
    ];
    const log = agent.log.filter((line) => line['actuator'] === 'ipvsTable').slice(-3);
    assert.fail(`${error.message}\n${other.slice(0, 30).join('\n')}\n${JSON.stringify(log)}`);
  };

  before(async () => {
    makeNetwork();
    ipvsadm('-C');
    await serveBoth();
    write(`${WEB}${REST}`);
    ipvsadm('-A -t 192.0.2.99:80 -s rr');
    keepalived = spawn('keepalived', ['-n', '-l', '-C', '--no-syslog', '-f', FILE], { stdio: 'ignore' });
    process.once('exit', () => keepalived.kill());
    await until('keepalived has made all', LIMIT_MS, () => services() === ALL).catch((error: Error) =>
      assert.fail(`${error.message}: ${services()} of ${ALL}\n${saved().replaceAll(/^.*192\.0\.2\.1\d\d.*\n/gm, '')}`),
    );
    await sleep(3000);
    whole = saved();
    run(['ip', 'link', 'set', 'rs1', 'down']);
    lost = await until('rs1 is out for keepalived', LIMIT_MS, () => !OF_RS1.test(saved()) && saved(), LOOK_MS);
    run(['ip', 'link', 'set', 'rs1', 'up']);
    await until('it is in again', LIMIT_MS, () => saved() === whole, LOOK_MS);
    await start();
  });
  after(async () => {
    await agent.end();
    keepalived.kill();
    ipvsadm('-C');
  });

  it('leaves everything to a keepalived that runs with the same file, and says so', async () => {
    const refused = await until('refused', LIMIT_MS, () =>
      agent.log.find((line) => line['actuator'] === 'ipvsTable' && line['result'] === 'unsupported'),
    );
    assert.match(
      String(refused['error']),
      /^keepalived \(pid \d+, \/etc\/keepalived\/managed.conf\) manages this service: stop that keepalived/,
    );
    assert.equal(saved(), whole);
  });

  it('makes what is missing when that has stopped; killed in the middle of it, the next one goes on', async () => {
    keepalived.kill();
    await until('keepalived has removed its own', LIMIT_MS, () => services() === 1);
    await until('the first of them', LIMIT_MS, () => services() > 1);
    await agent.end('SIGKILL');
    const half = services();
    assert.ok(half < ALL, `${half} services, all of them: it was not in the middle`);
    await start();
    await isWhole();
    const shown = saved().split('\n').slice(0, 12).join('\n');
    console.log(`killed after ${half - 1} of ${ALL - 1} services; then equal to keepalived's table:\n${shown}`);
  });

  it('a real server that fails gets weight 0, where keepalived removes it; sorry servers come and go with it', async () => {
    run(['ip', 'link', 'set', 'rs1', 'down']);
    const wanted = carrying(lost);
    await until('what carries is as with keepalived', LIMIT_MS, () => carrying(saved()) === wanted, LOOK_MS).catch(
      (error: Error) => {
        const found = carrying(saved()).split('\n');
        const other = wanted.split('\n').filter((line) => !found.includes(line));
        const more = found.filter((line) => !wanted.includes(line));
        assert.fail(`${error.message}\nkeepalived's:\n${other.join('\n')}\nfourlane's:\n${more.join('\n')}\n${ofSorry(saved())}`);
      },
    );
    console.log(`rs1 is down, keepalived:\n${ofSorry(lost)}\nfourlane:\n${ofSorry(saved())}`);
    const names = (text: string) => text.match(/-r \S+/g)!.filter((name) => !name.includes(SORRY));
    assert.deepEqual(names(saved()), names(whole), 'all of them are still there');
    assert.ok(saved().includes(`${LAST_ONE}-m -w 1`) && !lost.includes(LAST_ONE));
    run(['ip', 'link', 'set', 'rs1', 'up']);
    await isWhole();
    console.log(`rs1 is up, both:\n${ofSorry(saved())}`);
  });

  it('puts back what somebody removes; leaves what others have made', async () => {
    ipvsadm(`-D -t ${VIP}:443`);
    ipvsadm(`-d -t ${VIP}:80 -r ${RS.rs2}:8080`);
    await isWhole();
    ipvsadm(`-a -t ${VIP}:80 -r ${VIP_BY_HAND}:80 -m -w 1`);
    const told = await until('told', LIMIT_MS, () => agent.log.findLast((line) => String(line['error']).includes(VIP_BY_HAND)));
    assert.match(
      String(told['error']),
      /^left as others have made it: real server 192\.0\.2\.11:80, which the configuration does not have/,
    );
    ipvsadm(`-d -t ${VIP}:80 -r ${VIP_BY_HAND}:80`);
  });

  it('removes what it has made when the file has it no longer; a service made by hand stays', async () => {
    write(WEB);
    await until('only the first one is left', LIMIT_MS, () => services() === 2);
    assert.match(saved(), /^-A -t 192\.0\.2\.10:80 -s wrr -p 300 -M 255\.255\.255\.0\n-a/);
    assert.match(saved(), /^-A -t 192\.0\.2\.99:80 -s rr$/m);
    // Nothing may be lost because the mode is another one.
    const before = saved();
    writeConfig(dir, { ...JSON.parse(readFileSync(config(), 'utf8')), import: { keepalived: { file: FILE } } });
    assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
    await sleep(3000);
    assert.equal(saved(), before);
  });
});
