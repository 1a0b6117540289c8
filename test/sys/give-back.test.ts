import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** In a process of its own: flags are those of all threads. */
const PROGRAM = `
import { getHeapSpaceStatistics } from 'node:v8';
import * as zod from 'zod';
const { giveBack } = await import(${JSON.stringify(new URL('../../src/sys/give-back.ts', import.meta.url).href)});
const parse = () => zod.object({ port: zod.number() }).parse({ port: 80 }).port;
const code = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'trusted_space').space_used_size;
const garbage = () => process.memoryUsage().heapUsed;
parse();
globalThis.dropped = Array.from({ length: 1e5 }, () => ({}));
globalThis.dropped = undefined;
const before = [code(), garbage()];
giveBack();
console.log(JSON.stringify({ before, after: [code(), garbage()], works: parse(), gc: typeof gc }));
`;

test('garbage and code that has run are given back, and what was thrown away is compiled again', () => {
  const argv = ['--input-type=module', '--eval', PROGRAM];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const said = JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8', cwd })) as {
    before: [number, number];
    after: [number, number];
    works: number;
    gc: string;
  };
  assert.ok(said.after[0] < 0.7 * said.before[0], `bytecode: ${said.before[0]} and ${said.after[0]} bytes`);
  assert.ok(said.after[1] < said.before[1] - 1e6, `heap: ${said.before[1]} and ${said.after[1]} bytes`);
  assert.deepEqual([said.works, said.gc], [80, 'undefined']);
});
