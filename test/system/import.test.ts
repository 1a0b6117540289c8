/**
 * An agent that starts from a keepalived.conf with no service of its own: it follows the file, and changes nothing in shadow
 * mode.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AgentProcess, QUICK, serve, until, writeConfig } from './harness.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const LIMIT = { timeout: 60_000 };
const dir = mkdtempSync(join(tmpdir(), 'fourlane-import-'));
const file = join(dir, 'keepalived.conf');
const included = join(dir, 'conf.d');
const ends: (() => unknown)[] = [() => rmSync(dir, { recursive: true })];
after(async () => {
  for (const end of ends.toReversed()) await end();
});

const ports: Record<string, number> = {};
const server = (ip: string) => `  real_server ${ip} ${ports[ip]} {\n    TCP_CHECK {\n      connect_timeout 0.2\n    }\n  }\n`;
const virtual = (vip: string, ...servers: string[]) =>
  `virtual_server ${vip} 80 {\n  lb_kind NAT\n  lb_algo rr\n  protocol TCP\n${servers.map(server).join('')}}\n`;
/** As an editor does: in one step. */
const write = (text: string) => {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};
const closers: Record<string, () => Promise<void>> = {};
let agent: AgentProcess;
const services = async () => (await agent.status()).services.map(({ name, total }) => `${name} ${total}`);

before(async () => {
  mkdirSync(included);
  for (const ip of ['127.7.0.1', '127.7.0.2', '127.7.0.3']) {
    const { port, close } = await serve(0, undefined, ip);
    ports[ip] = port;
    closers[ip] = close;
    ends.push(close);
  }
  write(`include conf.d/*.conf\n${virtual('192.0.2.10', '127.7.0.1', '127.7.0.3')}`);
  const timing = { interval: '200ms', timeout: '200ms', fall: 2 };
  const config = writeConfig(dir, {
    listen: '127.0.0.1:0',
    stateDir: join(dir, 'state'),
    nics: ['127.0.0.2', '127.0.0.3'].map((source, i) => ({ name: `lo${i}`, device: 'lo', source })),
    services: [],
    import: { keepalived: { file, timing } },
    rules: QUICK,
  });
  agent = await AgentProcess.start(config);
  ends.push(() => agent.end());
  // Most likely before its first look: what counts is what was read.
  write(`include conf.d/*.conf\n${virtual('192.0.2.10', '127.7.0.1')}`);
}, LIMIT);

test('its virtual servers are services, checked through every NIC; an edit while it starts is not lost', LIMIT, async () => {
  await until('the edit', 10_000, async () => (await services()).join() === '192.0.2.10:80/tcp 1');
  await agent.allGood();
  assert.ok(agent.logged(/^imported 1 services from .*keepalived\.conf$/));
});

test('an edit is followed within seconds, by the same process and without a restart of what stays', LIMIT, async () => {
  const begun = performance.now();
  write(`include conf.d/*.conf\n${virtual('192.0.2.10', '127.7.0.1', '127.7.0.2')}`);
  await until('the second real server', 10_000, async () => (await services())[0] === '192.0.2.10:80/tcp 2');
  assert.ok(performance.now() - begun > 1000, 'a second of rest');
  const told = /^config: service 192\.0\.2\.10:80\/tcp changed; checks: 1 added, 0 removed, 1 kept$/;
  await until('told', 2000, () => agent.logged(told));
  await agent.allGood();
});

test('a file that appears where a pattern looks is followed too', LIMIT, async () => {
  writeFileSync(join(included, 'b.conf'), virtual('192.0.2.20', '127.7.0.3'));
  await until('its service', 10_000, async () => (await services()).includes('192.0.2.20:80/tcp 1'));
});

test('an unfinished edit changes nothing and is told with its place; the finished one is taken', LIMIT, async () => {
  const whole = `include conf.d/*.conf\n${virtual('192.0.2.10', '127.7.0.1')}`;
  const former = await services();
  write(whole.slice(0, -3));
  const refused = await until('refused', 10_000, () => agent.logged(/^config not applied: the file is refused/));
  assert.match(String(refused['errors']), /keepalived\.conf:\d+:\d+: /);
  assert.equal(await agent.metric('fourlane_config_last_reload_successful'), 0);
  assert.deepEqual(await services(), former);
  write(whole);
  await until('taken', 10_000, async () => (await services()).includes('192.0.2.10:80/tcp 1'));
  assert.equal(await agent.metric('fourlane_config_last_reload_successful'), 1);
});

test('an included file that is refused is followed: mended where it stands, it is taken', LIMIT, async () => {
  const part = join(included, 'c.conf');
  const former = await services();
  const refusals = () => agent.log.filter(({ message }) => message.startsWith('config not applied: the file is refused'));
  const before = refusals().length;
  writeFileSync(part, 'virtual_server 192.0.2.30 80 {\n');
  await until('refused', 10_000, () => refusals().length > before);
  assert.match(String(refusals().at(-1)!['errors']), /c\.conf:1:\d+: /);
  assert.deepEqual(await services(), former);
  // Its directory does not change by this, and the files of what runs do not either.
  writeFileSync(part, virtual('192.0.2.30', '127.7.0.3'));
  await until('taken', 10_000, async () => (await services()).includes('192.0.2.30:80/tcp 1'));
});

test('in shadow mode a dead real server is decided on, and nothing is written', LIMIT, async () => {
  write(virtual('192.0.2.10', '127.7.0.1', '127.7.0.2', '127.7.0.3'));
  await until('all three', 10_000, async () => (await services())[0] === '192.0.2.10:80/tcp 3');
  await agent.allGood();
  await closers['127.7.0.2']!();
  const line = await until('decided', 10_000, () => agent.logged(/^realServer 192\.0\.2\.10:80\/tcp 127\.7\.0\.2:\d+: done$/));
  assert.deepEqual([line['actuator'], line['weight']], ['shadow', 0]);
  const { status, stdout } = spawnSync(
    process.execPath,
    [PROGRAM, 'shadow', 'report', '--url', `unix:${join(dir, 'fourlane.yaml.control')}`],
    {
      encoding: 'utf8',
    },
  );
  assert.match(stdout, /^Shadow of keepalived since \d{4}-.*: nothing is compared now: the kernel module ip_vs is not loaded\n/);
  assert.equal(status, 0);
});

test('with mode manage an agent runs the scripts of the file: once a change, and not again after a restart', LIMIT, async () => {
  const log = join(dir, 'told');
  const script = join(dir, 'tell');
  writeFileSync(log, '');
  writeFileSync(script, `#!/bin/sh\necho "$*" >> ${log}\n`, { mode: 0o755 });
  const told = () => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  const listeners = await Promise.all(['127.7.1.1', '127.7.1.2'].map((ip) => serve(0, undefined, ip)));
  const hook = (name: string, ...words: (string | number)[]) => `    ${name} "${script} ${words.join(' ')}" root\n`;
  const real = listeners.map(({ port }, i) => {
    const hooks = hook('notify_up', i, 'up') + hook('notify_down', i, 'down');
    return `  real_server 127.7.1.${i + 1} ${port} {\n${hooks}    TCP_CHECK {\n      connect_timeout 0.2\n    }\n  }\n`;
  });
  const own = join(dir, 'managed.conf');
  const quorum = `  quorum 2\n${hook('quorum_up', 'quorum', 'up')}${hook('quorum_down', 'quorum', 'down')}`;
  const head = 'virtual_server 192.0.2.30 80 {\n  lb_kind NAT\n  lb_algo rr\n  protocol TCP\n';
  writeFileSync(own, `${head}${quorum}${real.join('')}}\n`);
  const config = writeConfig(
    dir,
    {
      listen: '127.0.0.1:0',
      stateDir: join(dir, 'managed'),
      nics: [{ name: 'lo0', device: 'lo' }],
      import: { keepalived: { file: own, mode: 'manage', timing: { interval: '200ms', timeout: '200ms', fall: 2 } } },
      rules: QUICK,
    },
    'managed.yaml',
  );
  let managing = await AgentProcess.start(config);
  ends.push(() => managing.end());
  await managing.allGood();
  await until('the script', 10_000, () => told().length >= 1);
  assert.deepEqual(told(), ['quorum up']);
  await listeners[1]!.close();
  await until('the scripts', 10_000, () => told().length >= 3);
  assert.deepEqual(told().slice(1).toSorted(), ['1 down', 'quorum down']);
  await managing.end('SIGTERM');
  managing = await AgentProcess.start(config);
  await managing.verdict('RS_DOWN', {});
  const again = await serve(listeners[1]!.port, undefined, '127.7.1.2');
  ends.push(again.close, listeners[0]!.close);
  await until('the scripts', 10_000, () => told().length >= 5);
  assert.deepEqual(told().slice(3).toSorted(), ['1 up', 'quorum up']);
});
