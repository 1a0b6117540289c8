/**
 * The walk of docs/keepalived.md, command by command, beside a real keepalived on a real kernel: it prints what they print, and
 * sends it as transcript.txt (`--out test/fixtures/walk`), which the page is compared with (test/keepalived/walk.test.ts).
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkConfig } from '../../../src/cli/check-config.ts';
import { init } from '../../../src/cli/init.ts';
import { keepalivedCommand } from '../../../src/cli/keepalived.ts';
import { lintCommand } from '../../../src/cli/lint.ts';
import type { Output } from '../../../src/cli/output.ts';
import { reload } from '../../../src/cli/reload.ts';
import { shadow } from '../../../src/cli/shadow.ts';
import { status } from '../../../src/cli/status.ts';
import { AgentProcess, until } from '../../system/harness.ts';
import { commandsIn, normalised } from './transcript.ts';
import { ipvsadm, makeNetwork, RS, serveBoth, serving, VIP, weightOf } from './net.ts';

const LIMIT_MS = 120_000;
const FILE = '/etc/keepalived/keepalived.conf';
const CONFIG = '/etc/fourlane.yaml';
const WEB = `${VIP}:80`;
const COMMANDS = { 'check-config': checkConfig, init, keepalived: keepalivedCommand, lint: lintCommand, reload, shadow, status };

const lines: string[] = [];
const say = (text: string) => {
  lines.push(text);
  console.log(text);
};

/** A command as it would be typed; it runs in this process, since starting one takes the emulated machine long. */
async function ran(line: string): Promise<{ readonly text: string; readonly code: number }> {
  const [, name = '', ...argv] = line.split(' ');
  const run = COMMANDS[name as keyof typeof COMMANDS] as (argv: readonly string[], io: Output) => Promise<number> | number;
  let text = '';
  const take = (more: string) => void (text += more);
  const code = await run(argv, { out: take, err: take });
  return { text, code };
}

async function typed(line: string): Promise<number> {
  const { text, code } = await ran(line);
  say(`$ ${line}\n${text.trimEnd()}`);
  return code;
}

/** A real server that was down gets its weight back step by step. */
const weightsAreWhole = () =>
  until('the slow start is over', LIMIT_MS, async () => {
    await sleep(1000);
    return !(await ran('fourlane status')).text.includes(' → ');
  });

/** Changes fourlane.yaml as an editor would. */
function edit(what: string, from: RegExp, to: string): void {
  const text = readFileSync(CONFIG, 'utf8');
  assert.match(text, from, what);
  writeFileSync(CONFIG, text.replace(from, to));
}

describe('the walk', () => {
  let keepalived: ChildProcess;
  let vrrp: ChildProcess | undefined;
  let agent: AgentProcess | undefined;
  const start = (only: string) => {
    const child = spawn('keepalived', ['-n', '-l', only, '--no-syslog'], { stdio: 'ignore' });
    process.once('exit', () => child.kill());
    return child;
  };

  before(async () => {
    makeNetwork();
    ipvsadm('-C');
    await serveBoth();
    copyFileSync('/fourlane/test/fixtures/walk/keepalived.conf', FILE);
    // Its VRRP would move the address that the other tests have on lo.
    keepalived = start('-C');
    await until('keepalived has both', LIMIT_MS, () => weightOf(WEB, `${RS.rs2}:80`) === 7);
  });
  after(async () => {
    await agent?.end();
    keepalived.kill();
    vrrp?.kill();
    ipvsadm('-C');
    const content = Buffer.from(`${lines.join('\n\n')}\n`).toString('base64');
    console.log(`@@file transcript.txt ${content}`);
  });

  it('lint: finds what keepalived passes over', async () => {
    assert.equal(await typed(`fourlane lint ${FILE}`), 1);
  });

  it('init: writes a file that imports keepalived’s', async () => {
    assert.equal(await typed(`fourlane init --import --output ${CONFIG}`), 0);
    say(`$ cat ${CONFIG}\n${readFileSync(CONFIG, 'utf8').trimEnd()}`);
    assert.equal(await typed(`fourlane check-config --config ${CONFIG}`), 0);
  });

  it('shadow: both take a real server out and put it back', async () => {
    agent = AgentProcess.spawn(CONFIG);
    await until('the agent is ready', LIMIT_MS, () => agent!.logged(/^ready/) !== undefined || agent!.ended !== undefined);
    await agent.ready();
    await agent.allGood(LIMIT_MS);
    await until('both are compared', LIMIT_MS, async () => /2 real servers compared, all agree/.test(await report()));
    await serving('rs1', false);
    await until('both have it out', LIMIT_MS, async () => /1 removal by both/.test(await report()));
    await serving('rs1', true);
    await until('both have it back', LIMIT_MS, async () => /1 return by both/.test(await report()));
    assert.equal(await typed('fourlane shadow report'), 0);
  });

  it('steer: what keepalived.conf lacks for that', async () => {
    edit('an anchor', /^( {2}- name: br0.*)$/m, `$1\n    anchors: [${RS.rs2}]`);
    edit('an action', /^import:/m, 'onIsolated: [{trackFile: {path: /run/fourlane/isolated}}]\nimport:');
    assert.equal(await typed('fourlane keepalived snippet --peer-priority 100'), 0);
  });

  it('manage: the same services when keepalived has stopped checking', async () => {
    edit('the mode', /mode: shadow/, 'mode: manage');
    await weightsAreWhole();
    assert.equal(await typed('fourlane reload'), 0);
    await until('it is told', LIMIT_MS, () => agent!.log.some((line) => String(line['error']).includes('stop that keepalived')));
    assert.equal(await typed('fourlane status'), 2);
    keepalived.kill();
    await until('keepalived has removed its services', LIMIT_MS, () => weightOf(WEB, `${RS.rs1}:80`) === undefined);
    vrrp = start('-P');
    await until(
      'fourlane has made them',
      LIMIT_MS,
      () => weightOf(WEB, `${RS.rs1}:80`) === 5 && weightOf(WEB, `${RS.rs2}:80`) === 7,
    );
    say(`$ ipvsadm -S -n\n${ipvsadm('-S -n').trimEnd()}`);
    await until('all is in place', LIMIT_MS, async () => (await agent!.status()).pending.failing === 0);
    await weightsAreWhole();
    assert.equal(await typed('fourlane status'), 0);
  });

  it('prints what the committed transcript has', () => {
    const committed = readFileSync('/fourlane/test/fixtures/walk/transcript.txt', 'utf8');
    assert.deepEqual(commandsIn(lines.join('\n\n')).map(normalised), commandsIn(committed).map(normalised));
  });

  async function report(): Promise<string> {
    return (await agent!.get<{ report: string }>('/api/v1/shadow')).report;
  }
});
