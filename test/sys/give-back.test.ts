import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** In a process of its own, whose code nobody else runs. */
const PROGRAM = `
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import * as zod from 'zod';
const { giveBackAfter } = await import(${JSON.stringify(new URL('../../src/sys/give-back.ts', import.meta.url).href)});
const parse = () => zod.object({ port: zod.number() }).parse({ port: 80 }).port;
const code = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'trusted_space').space_used_size;
const heap = () => process.memoryUsage().heapUsed;
parse();
globalThis.dropped = Array.from({ length: 1e5 }, () => ({}));
globalThis.dropped = undefined;
const before = { code: code(), heap: heap() };
giveBackAfter(0);
for (let k = 0; k < 300 && code() > 0.6 * before.code; k++) await sleep(50);
console.log(JSON.stringify({ before, after: { code: code(), heap: heap() }, works: parse(), gc: typeof gc }));
`;

interface Memory {
  readonly code: number;
  readonly heap: number;
}

test('garbage and the code of the start are given back, and what was thrown away is compiled again', () => {
  const argv = ['--input-type=module', '--eval', PROGRAM];
  // Where coverage is measured, no code is thrown away.
  const env = { ...process.env, NODE_V8_COVERAGE: undefined };
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { before, after, works, gc } = JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8', cwd, env })) as {
    readonly before: Memory;
    readonly after: Memory;
    readonly works: number;
    readonly gc: string;
  };
  assert.ok(after.code <= 0.6 * before.code, `bytecode: ${before.code} and ${after.code} bytes`);
  assert.ok(after.heap < before.heap - 1e6, `heap: ${before.heap} and ${after.heap} bytes`);
  assert.deepEqual([works, gc], [80, 'undefined']);
});
