/** The replay command as a process: what it prints, and what it says of bad input. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const main = new URL('../../src/cli/fourlane.mjs', import.meta.url).pathname;
const fixture = (name: string) => new URL(`../fixtures/evidence/${name}`, import.meta.url).pathname;
const header = `${readFileSync(fixture('02-nic-link.jsonl'), 'utf8').split('\n')[0]}\n`;
const run = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'replay', ...args], { input, encoding: 'utf8' });
  return { status, stdout, stderr };
};

test('fourlane replay prints what the judge says, from a file or from standard input', () => {
  const expected = readFileSync(fixture('06-nic-and-rs.expected.jsonl'), 'utf8');
  assert.deepEqual(run([fixture('06-nic-and-rs.jsonl')]), { status: 0, stdout: expected, stderr: '' });
  assert.equal(run(['-'], readFileSync(fixture('06-nic-and-rs.jsonl'), 'utf8')).stdout, expected);
  const more = run(['--evidence', fixture('06-nic-and-rs.jsonl')]).stdout.split('\n')[0]!;
  assert.equal((JSON.parse(more) as { evidence: { rule: string } }).evidence.rule, 'R5');
});

test('fourlane replay says what is wrong with its input and fails', () => {
  assert.match(run(['-'], `${header}{"t":1,"nic":"eth9","carrier":0}\n`).stderr, /-: line 2: nic "eth9" is not in the header/);
  const torn = run(['-'], `${header}{`);
  assert.deepEqual([torn.status, torn.stdout], [0, '']);
  assert.match(torn.stderr, /-: line 2: half a line before it was passed over; its writer was stopped/);
  const [, line = ''] = readFileSync(fixture('02-nic-link.jsonl'), 'utf8').split('\n');
  const broken = run(['-'], `${header}{\n${line}\n`);
  assert.equal(broken.status, 1);
  assert.match(broken.stderr, /-: line 2: "\{" is no JSON/);
  assert.match(run(['/nowhere.jsonl']).stderr, /\/nowhere.jsonl can't be read: ENOENT/);
  assert.match(run([]).stderr, /needed is one evidence log/);
  const help = run(['--help']);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /Example: fourlane replay/);
});
