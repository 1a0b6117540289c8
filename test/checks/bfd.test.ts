import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { brief, probe } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-bfd-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'sessions');
const seen = async (parameters: object) => brief(await probe('bfd', parameters, 80, { timeout: 3000 }));

test('Up is good, any other state bad; of several lines of a session the last one counts', async () => {
  writeFileSync(path, 'peer1 Down\npeer1 Up since 7 s\n  peer2\tDown\npeer3 AdminDown\n');
  assert.equal(await seen({ session: 'peer1', path }), 'ok_local run none 0');
  assert.equal(await seen({ session: 'peer2', path }), 'bad_local run value 0');
  assert.equal(await seen({ session: 'peer3', path }), 'bad_local run value 0');
});

test('a session without a line, a file that is not there, too old or unreadable: nothing is said', async () => {
  writeFileSync(path, 'peer1 Up\npeer5\n');
  for (const session of ['peer', 'peer5']) assert.equal(await seen({ session, path }), 'local_error run file 0', session);
  assert.equal(await seen({ session: 'peer1', path: join(dir, 'none') }), 'local_error run file 0');
  assert.equal(await seen({ session: 'peer1', path: dir }), 'local_error run file 0');
  utimesSync(path, new Date(), new Date(Date.now() - 11_000));
  assert.equal(await seen({ session: 'peer1', path }), 'local_error run file 0');
  assert.equal(await seen({ session: 'peer1', path, maxAge: '1m' }), 'ok_local run none 0');
});

test('a program may print the lines instead; one that fails says nothing', async () => {
  const command = (script: string) => ({ session: 'peer1', command: ['/bin/sh', '-c', script] });
  assert.equal(await seen(command('echo peer1 up')), 'ok_local run none 0');
  assert.equal(await seen(command('echo peer1 Init')), 'bad_local run value 0');
  assert.equal(await seen(command('echo peer1 up; exit 1')), 'local_error run file 0');
  await assert.rejects(probe('bfd', { session: 'peer1' }, 80), /exactly one of/);
});
