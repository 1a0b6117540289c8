/** An older Node, with which somebody starts the program itself, is told which one it takes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../src/cli/fourlane.mjs', import.meta.url));
const start = (node: string, ...before: readonly string[]) =>
  spawnSync(node, [...before, PROGRAM, 'version'], { encoding: 'utf8', env: {} });

it('an older Node ends with the remedy, before anything that it does not know', () => {
  const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.0" } })';
  const { status, stderr } = start(process.execPath, '--import', `data:text/javascript,${older}`);
  assert.equal(status, 1);
  assert.match(stderr, /^fourlane needs Node 24, found .*npm start.*\n$/);
});

const OF_THE_SYSTEM = '/usr/bin/node';

it('the Node of the system, whichever it is, answers or says so', { skip: !existsSync(OF_THE_SYSTEM) }, () => {
  const { status, stdout, stderr } = start(OF_THE_SYSTEM);
  assert.match(stdout + stderr, status === 0 ? /^\d+\.\d+\.\d+\n$/ : /^fourlane needs Node 24, found v\d/);
});
