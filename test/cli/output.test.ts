import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { columns, indent, isForUser, json, table } from '../../src/cli/output.ts';
import { PROGRAM } from '../../src/lab/program.ts';
import { FourlaneError } from '../../src/model/errors.ts';

test('columns are aligned, those that are empty everywhere are left out, nothing hangs over at the end', () => {
  const rows = [
    ['a', '', 'b', ''],
    ['ccc', '', 'd', 'e'],
  ];
  assert.deepEqual(columns(rows), ['a    b', 'ccc  d  e']);
  assert.equal(table(rows), 'a    b\nccc  d  e');
  assert.deepEqual(columns([['a', 'b']], [3]), ['a    b']);
  assert.deepEqual(columns([]), []);
  assert.deepEqual(columns([['a'], ['b', 'c']]), ['a', 'b  c'], 'rows may be of different lengths');
});

test('text and JSON as every command prints them', () => {
  assert.equal(indent('a\nb'), '  a\n  b');
  assert.equal(json({ a: [1] }), '{\n  "a": [\n    1\n  ]\n}\n');
});

test('errors with a code and wrong options are for the user, the rest are defects', () => {
  assert.ok(isForUser(new FourlaneError('USAGE', 'x')));
  assert.ok(isForUser(Object.assign(new TypeError('x'), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })));
  assert.ok(!isForUser(new TypeError('x')));
  assert.ok(!isForUser(Object.assign(new Error('x'), { code: 'ENOENT' })));
});

test('a command whose results nobody reads to their end ends as by SIGPIPE, and says nothing', () => {
  const script = `"${process.execPath}" "${PROGRAM}" schema | head -c 10; echo " \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.deepEqual([stdout, stderr], ['{\n  "title 141\n', '']);
});
