/** V8's helpers give way; nobody else does. In a process of its own, since who has given way may not take it back. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const PROGRAM = `
const { lowerHelpers } = await import(${JSON.stringify(new URL('../../src/sys/v8-helpers.ts', import.meta.url).href)});
const { threadsOf } = await import(${JSON.stringify(new URL('../system/threads.ts', import.meta.url).href)});
const nice = () => [true, false].map((ofV8) => [...new Set(threadsOf(process.pid).filter(({ name }) =>
  (name === 'V8Worker') === ofV8).map(({ nice }) => nice))]);
const before = nice();
lowerHelpers();
console.log(JSON.stringify([before, nice()]));
`;

test("V8's helpers give way, and nobody else", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], { encoding: 'utf8' });
  assert.ok(stdout !== '', stderr);
  const [before, after] = JSON.parse(stdout) as [[number[], number[]], [number[], number[]]];
  const [helpers, others] = before;
  assert.ok(others.length === 1 && helpers.length === 1 && helpers[0] === others[0], stdout);
  assert.deepEqual(after, [[Math.max(10, others[0]!)], others]);
});
