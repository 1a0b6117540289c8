/**
 * Beside a real keepalived with real IPVS, starting from its own file: the decisions of both side by side for each fault, nothing
 * written by fourlane, and no disagreement while nothing happens.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../src/lab/netns.ts';
import type { ShadowAnswer } from '../../../src/report/view.ts';
import { AgentProcess, QUICK, until, writeConfig } from '../../system/harness.ts';
import { ipvsadm, makeNetwork, RS, type RsName, saved, serveBoth, serving, VIP, weightOf } from './net.ts';

const WEB = `${VIP}:80`;
const FILE = '/etc/keepalived/shadowed.conf';
const LIMIT_MS = 120_000;
/** The unfaulted run, s; `npm run test:shadow` has the ten minutes. */
const QUIET_S = Number(process.env['SHADOW_QUIET_S'] ?? 30);

const realServer = (ip: string, weight: number) => `  real_server ${ip} 80 {
    weight ${weight}
    TCP_CHECK {
      connect_timeout 2
      retry 1
      delay_before_retry 1
    }
  }
`;
const FIFO = '/run/fourlane/lvs.fifo';
const CONF = `global_defs {
  script_user root
  lvs_notify_fifo ${FIFO}
}
virtual_server ${VIP} 80 {
  delay_loop 2
  lb_algo wrr
  lb_kind NAT
  protocol TCP
${realServer(RS.rs1, 5)}${realServer(RS.rs2, 7)}}
`;

/** A fault of a real server, and its end. */
interface Fault {
  readonly name: string;
  readonly rs: RsName;
  readonly begin: () => unknown;
  readonly end: () => unknown;
}
const link = (rs: RsName, to: 'up' | 'down') => run(['ip', 'link', 'set', rs, to]);
const FAULTS: readonly Fault[] = [
  { name: 'refuses', rs: 'rs1', begin: () => serving('rs1', false), end: () => serving('rs1', true) },
  { name: 'refuses, the other one', rs: 'rs2', begin: () => serving('rs2', false), end: () => serving('rs2', true) },
  { name: 'cut off', rs: 'rs1', begin: () => link('rs1', 'down'), end: () => link('rs1', 'up') },
];

describe('in shadow beside keepalived', () => {
  const dir = mkdtempSync('/tmp/shadow-');
  let agent: AgentProcess;
  let keepalived: ChildProcess;
  let log = '';
  const shadow = () => agent.get<ShadowAnswer>('/api/v1/shadow');
  const weight = (rs: RsName) => weightOf(WEB, `${RS[rs]}:80`) ?? 0;
  const ours = (rs: RsName) => agent.log.findLast((line) => line['actuator'] === 'shadow' && line.message.includes(RS[rs]));

  before(async () => {
    makeNetwork();
    ipvsadm('-C');
    await serveBoth();
    writeFileSync(FILE, CONF);
    // Without its directory keepalived does without the FIFO; it is fourlane's otherwise.
    mkdirSync(dirname(FIFO), { recursive: true });
    keepalived = spawn('keepalived', ['-n', '-l', '-D', '-C', '--no-syslog', '-f', FILE], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [keepalived.stdout!, keepalived.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (log += text));
    process.once('exit', () => keepalived.kill());
    await until('keepalived has both', LIMIT_MS, () => weight('rs1') === 5 && weight('rs2') === 7);
    const config = writeConfig(dir, {
      listen: '127.0.0.1:9845',
      stateDir: dir,
      nics: [{ name: 'br0' }],
      services: [],
      // Slow enough for an emulated machine: a probe that starts late proves nothing.
      import: { keepalived: { file: FILE, fifo: FIFO, panic: 0, timing: { interval: '2s', timeout: '1s', fall: 2, rise: 2 } } },
      collectors: { ipvs: false, keepalived: false },
      rules: QUICK,
    });
    agent = AgentProcess.spawn(config);
    await until('the agent is ready', 2 * LIMIT_MS, () => agent.logged(/^ready/) !== undefined || agent.ended !== undefined);
    await agent.ready();
    await agent.allGood(LIMIT_MS);
    await until('both are compared', LIMIT_MS, async () => (await shadow()).compared === 2);
  });
  after(async () => {
    await agent.end();
    keepalived.kill();
    ipvsadm('-C');
  });

  it(`agrees with keepalived while nothing happens, for ${QUIET_S} s`, async () => {
    const end = performance.now() + 1000 * QUIET_S;
    for (let looks = 0; performance.now() < end; looks++) {
      const { compared, agreeing, report } = await shadow();
      assert.deepEqual([compared, agreeing], [2, 2], report);
      assert.match(report, /Nothing has been taken out or put in by either of them/, `look ${looks}`);
      await sleep(1000);
    }
  });

  for (const { name, rs, begin, end } of FAULTS)
    it(`${rs} ${name}: both take it out and put it back`, async () => {
      const both = async () => (await shadow()).report;
      const counted = async (what: string) => Number(new RegExp(`(\\d+) ${what}s? by both`).exec(await both())?.[1] ?? 0);
      const before = { removals: await counted('removal'), returns: await counted('return') };
      await begin();
      await until('keepalived has it out', LIMIT_MS, () => weight(rs) === 0);
      await until('both have it out', LIMIT_MS, async () => (await counted('removal')) > before.removals);
      assert.equal(ours(rs)?.['weight'], 0);
      await end();
      await until('keepalived has it in', LIMIT_MS, () => weight(rs) > 0).catch((error: Error) =>
        assert.fail(`${error.message}\n${log.split('\n').slice(-10).join('\n')}`),
      );
      await until('both have it in', LIMIT_MS, async () => (await counted('return')) > before.returns);
      await until('they agree', LIMIT_MS, async () => (await shadow()).agreeing === 2);
      assert.equal(await counted('removal'), before.removals + 1);
    });

  it('knows from the FIFO who was first, also within a second', async () => {
    const told = agent.log.filter(({ message }) => /^shadow: .* by both/.test(message)).map(({ message }) => message);
    assert.equal(told.length, 2 * FAULTS.length, told.join('\n'));
    for (const message of told) assert.match(message, /, by (?:fourlane|keepalived) \d+\.\d s earlier$/);
    const leads = (await agent.metric('fourlane_shadow_lead_seconds_sum'))!;
    assert.notEqual(Math.round(leads * 1000) % 1000, 0, `${leads} s in all: not more than to a second`);
    console.log(told.join('\n'));
  });

  it('has written nothing: the table is what keepalived has made', async () => {
    assert.match(saved(), new RegExp(`-t ${WEB} -r ${RS.rs1}:80 -m -w 5\n`));
    assert.match(saved(), new RegExp(`-t ${WEB} -r ${RS.rs2}:80 -m -w 7\n`));
    console.log((await shadow()).report);
  });
});
