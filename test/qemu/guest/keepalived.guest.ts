/** Beside a real keepalived: its services are left alone unless told otherwise, and then it is seen when it takes over again. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../system/harness.ts';
import { ipvsadm, makeNetwork, RS, saved, serveBoth, serving, table, VIP, VIP_BY_HAND, weightOf } from './net.ts';
import { Wanting } from './wanting.ts';

const WEB = `${VIP}:80`;
const BY_HAND = `${VIP_BY_HAND}:80`;
const [RS1, RS2] = [`${RS.rs1}:80`, `${RS.rs2}:80`];
const LIMIT_MS = 60_000;
/** Longer than an answer about keepalived is kept. */
const FRESH_MS = 5500;

const realServer = (ip: string, weight: number, more: string) => `
  real_server ${ip} 80 {
    weight ${weight}
    ${more}
    TCP_CHECK {
      connect_timeout 2
      retry 0
    }
  }`;
const CONF = `global_defs {
  enable_script_security
}
include /etc/keepalived/conf.d/*.conf
`;
/** As docs/ipvs.md tells: while the file is there, the real server is out. */
const OUT_FILE = '/tmp/out-rs1';
const BY_FILE = `inhibit_on_failure
    MISC_CHECK {
      misc_path "/usr/bin/test ! -e ${OUT_FILE}"
      misc_timeout 2
      user root
    }`;
const SERVICE = `virtual_server ${VIP} 80 { # comment
  delay_loop 1
  lvs_sched wrr
  lvs_method NAT
  protocol TCP${realServer(RS.rs1, 5, BY_FILE)}${realServer(RS.rs2, 7, '')}
}
`;

describe('beside keepalived', () => {
  let keepalived: ChildProcess;
  let log = '';
  const weight = (realServer: string, wanted: number | undefined) =>
    until(`keepalived gives ${realServer} weight ${wanted}`, LIMIT_MS, async () => {
      await sleep(200);
      return weightOf(WEB, realServer) === wanted;
    }).catch((error: Error) => assert.fail(`${error.message}\n${log.split('\n').slice(-20).join('\n')}`));
  const logged = (text: string) => until(`keepalived logs "${text}"`, LIMIT_MS, () => log.includes(text));

  before(async () => {
    makeNetwork();
    await serveBoth();
    table(`-A -t ${BY_HAND} -s wrr`, `-a -t ${BY_HAND} -r ${RS1} -m -w 3`);
    writeFileSync('/etc/keepalived/keepalived.conf', CONF);
    writeFileSync('/etc/keepalived/conf.d/web.conf', SERVICE);
    keepalived = spawn('keepalived', ['-n', '-l', '-D', '-C', '--no-syslog'], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [keepalived.stdout!, keepalived.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (log += text));
    process.once('exit', () => keepalived.kill());
    await logged(`[${RS.rs1}]:tcp:80 success`);
    await logged(`[${RS.rs2}]:tcp:80 success`);
    await weight(RS1, 5);
    await weight(RS2, 7);
  });
  after(() => {
    keepalived.kill();
    ipvsadm('-C');
  });

  it('leaves its services alone and says who has them; services made by hand are ours', async () => {
    const outcome = await new Wanting(`${WEB}/tcp`).out(RS1);
    assert.equal(outcome.result, 'unsupported');
    assert.match(
      outcome.message ?? '',
      /^keepalived \(pid \d+, \/etc\/keepalived\/keepalived.conf\) manages this service; .*keepalived: overwrite/,
    );
    assert.equal(weightOf(WEB, RS1), 5);
    assert.equal((await new Wanting(`${BY_HAND}/tcp`).out(RS1)).result, 'done');
    assert.equal(weightOf(BY_HAND, RS1), 0);
  });

  it('told to overwrite: weight 0 outlives good checks and a reload of an unchanged file', async () => {
    const wanting = new Wanting(`${WEB}/tcp`, { keepalived: 'overwrite' });
    assert.equal((await wanting.out(RS1)).result, 'done');
    await sleep(3000);
    keepalived.kill('SIGHUP');
    await logged('Reload complete');
    await sleep(3000);
    assert.equal((await wanting.out(RS1)).result, 'unchanged');
    assert.equal((await wanting.back(RS1)).result, 'done');
    assert.match(saved(), new RegExp(`-t ${WEB} -r ${RS1} -m -w 5\n`));
  });

  it('told to overwrite: a recovery cancels the drain, which is seen as drift and done again', async () => {
    const wanting = new Wanting(`${WEB}/tcp`, { keepalived: 'overwrite' });
    await wanting.out(RS1);
    await serving('rs1', false);
    await logged(`Disabling service [${RS.rs1}]`); // what is at 0 already
    await serving('rs1', true);
    await weight(RS1, 5);
    const again = await wanting.out(RS1);
    assert.deepEqual([again.result, again.differs], ['done', true]);
    assert.equal(weightOf(WEB, RS1), 0);
    await wanting.back(RS1);
    assert.equal(weightOf(WEB, RS1), 5);
  });

  it('told to overwrite: a real server that keepalived removes is no error, and is taken out when it is back', async () => {
    const wanting = new Wanting(`${WEB}/tcp`, { keepalived: 'overwrite' });
    await wanting.out(RS2);
    await serving('rs2', false);
    await weight(RS2, undefined);
    const gone = await wanting.out(RS2);
    assert.deepEqual(
      [gone.result, gone.message],
      ['unchanged', `IPVS has no destination ${RS2} under ${WEB}/tcp: nothing to do until it appears`],
    );
    await serving('rs2', true);
    await weight(RS2, 7);
    assert.equal((await wanting.out(RS2)).result, 'done');
    await wanting.back(RS2);
    assert.match(saved(), new RegExp(`-t ${WEB} -r ${RS2} -m -w 7\n`));
  });

  it('is drained through keepalived itself by a file, and keeps its entry', async () => {
    writeFileSync(OUT_FILE, '');
    await weight(RS1, 0);
    rmSync(OUT_FILE);
    await weight(RS1, 5);
  });

  it('undoes its own drain also of a service that keepalived has taken over meanwhile', async () => {
    const wanting = new Wanting(`${BY_HAND}/tcp`);
    ipvsadm(`-e -t ${BY_HAND} -r ${RS1} -m -w 3`);
    await wanting.out(RS1);
    writeFileSync('/etc/keepalived/conf.d/other.conf', SERVICE.replaceAll(VIP, VIP_BY_HAND));
    await sleep(FRESH_MS);
    assert.equal((await new Wanting(`${BY_HAND}/tcp`).out(RS2)).result, 'unchanged');
    assert.equal((await wanting.back(RS1)).result, 'done');
    assert.equal(weightOf(BY_HAND, RS1), 3);
    assert.equal((await wanting.out(RS1)).result, 'unsupported');
  });

  it('when keepalived ends, its services are gone, which is a state and no error', async () => {
    keepalived.kill();
    await weight(RS1, undefined);
    const outcome = await new Wanting(`${WEB}/tcp`).out(RS1);
    assert.deepEqual(
      [outcome.result, outcome.message],
      ['unchanged', `IPVS has no service ${WEB}/tcp: nothing to do until it appears`],
    );
  });
});
