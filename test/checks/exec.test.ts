import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { brief, probe } from './harness.ts';

const sh = (script: string) => ({ command: ['/bin/sh', '-c', script] });
const slow = { timeout: 3000 };
const dir = mkdtempSync(join(tmpdir(), 'fourlane-exec-'));
after(() => rmSync(dir, { recursive: true }));

test('exit 0 is good, others are bad with the code', async () => {
  assert.equal(brief(await probe('exec', sh('exit 0'), 80, slow)), 'ok run none 0');
  assert.equal(brief(await probe('exec', sh('exit 3'), 80, slow)), 'l7 run exit_code 3');
  assert.equal(brief(await probe('exec', sh('kill -9 $$'), 80, slow)), 'l7 run signal 0');
});

test('the environment tells NIC and address', async () => {
  const script = '[ "$FOURLANE_NIC $FOURLANE_DEVICE $FOURLANE_ADDRESS $FOURLANE_IP $FOURLANE_PORT" = "lo lo [::1]:80 ::1 80" ]';
  assert.equal((await probe('exec', sh(script), 80, { ...slow, ip: '::1' })).outcome, 'ok');
});

test('nothing else is in the environment, and PATH is the standard one', async () => {
  process.env['FOURLANE_TEST_SECRET'] = 'x';
  const before = process.env['PATH'];
  process.env['PATH'] = `/tmp/elsewhere:${before}`;
  const script =
    '[ "$PATH" = /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ] && [ -z "$FOURLANE_TEST_SECRET$HOME" ]';
  try {
    assert.equal(brief(await probe('exec', sh(script), 80, slow)), 'ok run none 0');
  } finally {
    process.env['PATH'] = before;
    delete process.env['FOURLANE_TEST_SECRET'];
  }
});

test('a script that prints without end is not held up by us, nor are we by it', async () => {
  const before = process.cpuUsage();
  assert.equal(brief(await probe('exec', sh('head -c 200000000 /dev/zero'), 80, slow)), 'ok run none 0');
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 500_000, `${user + system} µs`);
});

test('the time limit ends the script and its children', async () => {
  const seen = await probe('exec', sh('sleep 60 & wait'), 80, { timeout: 700 });
  assert.equal(brief(seen), 'l7 run deadline 0');
  assert.ok(seen.elapsedUs < 2_000_000, String(seen.elapsedUs));
});

test('a program that is not there is our own trouble', async () => {
  assert.equal(brief(await probe('exec', { command: ['/nonexistent/x'] }, 80, slow)), 'local_error run unsupported 0');
});

test('dynamic: codes from 2 are weights, 1 is bad, 0 is good without saying a weight', async () => {
  const code = async (n: number, dynamic: boolean) =>
    brief(await probe('exec', { ...sh(`exit ${n}`), ...(dynamic ? { dynamic } : {}) }, 80, slow));
  assert.equal(await code(0, true), 'ok run none 0');
  assert.equal(await code(1, true), 'l7 run exit_code 1');
  assert.equal(await code(2, true), 'ok run weight 0');
  assert.equal(await code(255, true), 'ok run weight 253');
  assert.equal(await code(2, false), 'l7 run exit_code 2');
});

test('SIGTERM first, SIGKILL to the whole group two seconds later', async () => {
  const file = join(dir, 'signals');
  // One that takes a whole CPU would make us late.
  const script = `trap 'echo term >> ${file}' TERM; while :; do sleep 30 & wait; done`;
  const seen = await probe('exec', sh(script), 80, { timeout: 500 });
  assert.equal(brief(seen), 'l7 run deadline 0');
  assert.ok(seen.elapsedUs > 2_400_000 && seen.elapsedUs < 3_200_000, String(seen.elapsedUs));
  assert.match(readFileSync(file, 'utf8'), /^term\n/);
});

test('as another user and group, by name or number', async () => {
  const as = async (account: object, expected: string) =>
    brief(await probe('exec', { ...sh(`[ "$(id -u):$(id -g):$(id -G)" = "${expected}" ]`), ...account }, 80, slow));
  assert.equal(await as({ user: 'nobody' }, '65534:65534:65534'), 'ok run none 0');
  assert.equal(await as({ user: '1234' }, '1234:1234:1234'), 'ok run none 0');
  assert.equal(await as({ user: 'nobody', group: 'daemon' }, '65534:1:1'), 'ok run none 0');
  assert.equal(await as({ user: 'no-such-user' }, ''), 'local_error run unsupported 0');
  await assert.rejects(as({ group: 'daemon' }, ''), /of no use without/);
  await assert.rejects(as({ user: 'a b' }, ''), /a name or a number/);
});

test('a script that others may change is not run, nor one in a folder of theirs', async () => {
  const make = (folder: string, mode: number, folderMode: number) => {
    const at = join(dir, folder);
    mkdirSync(at);
    const script = join(at, 'script');
    writeFileSync(script, '#!/bin/sh\nexit 0\n');
    chmodSync(script, mode);
    chmodSync(at, folderMode);
    return { at, script };
  };
  const run = async (script: string, more: object = {}) => brief(await probe('exec', { command: [script], ...more }, 80, slow));
  const refused = 'local_error run insecure 0';
  assert.equal(await run(make('good', 0o755, 0o755).script), 'ok run none 0');
  assert.equal(await run(make('all', 0o757, 0o755).script), refused);
  assert.equal(await run(make('folder', 0o755, 0o777).script), refused);
  assert.equal(await run(make('sticky', 0o755, 0o1777).script), 'ok run none 0');
  const group = make('group', 0o775, 0o755).script;
  assert.equal(await run(group), 'ok run none 0');
  chownSync(group, 0, 1);
  assert.equal(await run(group), refused);
  const { script, at } = make('owner', 0o755, 0o755);
  chownSync(script, 65_534, 65_534);
  assert.equal(await run(script), refused);
  chmodSync(dir, 0o755);
  assert.equal(await run(script, { user: 'nobody' }), 'ok run none 0');
  symlinkSync(script, join(at, 'link'));
  assert.equal(await run(join(at, 'link')), refused);
});
