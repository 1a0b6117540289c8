import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { brief, probe } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-file-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'number');
const slow = { timeout: 3000 };

async function seen(text: string, parameters: object = {}): Promise<string> {
  writeFileSync(path, text);
  return brief(await probe('file', { path, ...parameters }, 80, slow));
}

test('without a weight 0 is good and any other number bad; reverse: the other way round', async () => {
  assert.equal(await seen('0\n'), 'ok_local run none 0');
  assert.equal(await seen('7\n'), 'bad_local run value 7');
  assert.equal(await seen('-1'), 'bad_local run value -1');
  assert.equal(await seen('0', { reverse: true }), 'bad_local run value 0');
  assert.equal(await seen('3', { reverse: true }), 'ok_local run none 0');
  assert.equal(await seen('1', { weight: 0 }), 'bad_local run value 1');
});

test('with a weight the number times it is a change; far below 0 is bad', async () => {
  assert.equal(await seen('0', { weight: 5 }), 'ok_local run none 0');
  assert.equal(await seen('3', { weight: 5 }), 'ok_local run weight_change 15');
  assert.equal(await seen('3', { weight: -5 }), 'ok_local run weight_change -15');
  assert.equal(await seen('3', { weight: 5, reverse: true }), 'ok_local run weight_change -15');
  assert.equal(await seen('-2147483647', { weight: 2 }), 'bad_local run value -2147483647');
  assert.equal(await seen('2147483647', { weight: 2 }), 'ok_local run weight_change 2147483647');
});

test('what counts as a number', async () => {
  for (const [text, value] of [
    ['  12 things', 12],
    ['+4', 4],
    ['0x10', 16],
    ['-0x2\n', -2],
  ] as const)
    assert.equal(await seen(text), `bad_local run value ${value}`, text);
  assert.equal(await seen(''), 'ok_local run none 0');
  for (const text of ['yes', '12abc', '99999999999']) assert.equal(await seen(text), 'local_error run file 0', text);
});

test('a file that is not there counts as 0; one that cannot be read says nothing', async () => {
  const gone = join(dir, 'gone');
  assert.equal(brief(await probe('file', { path: gone }, 80, slow)), 'ok_local run none 0');
  assert.equal(brief(await probe('file', { path: gone, reverse: true }, 80, slow)), 'bad_local run value 0');
  mkdirSync(join(dir, 'folder'), { recursive: true });
  assert.match(brief(await probe('file', { path: join(dir, 'folder') }, 80, slow)), /^local_error run file /);
  spawnSync('mkfifo', [join(dir, 'fifo')]);
  assert.match(brief(await probe('file', { path: join(dir, 'fifo') }, 80, slow)), /^local_error run file /);
  writeFileSync(path, '1'.repeat(5000));
  chmodSync(path, 0o600);
  assert.match(brief(await probe('file', { path }, 80, slow)), /^local_error run file /);
  await assert.rejects(probe('file', { path: 'relative' }, 80), /absolute path/);
});
