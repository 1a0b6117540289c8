/** A log file rotated by the real logrotate while another process writes it: every line is read once. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../src/sys/child.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { Tail } from '../../src/sys/tail.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { run, until } from './harness.ts';

const WRITER = fileURLToPath(new URL('log-writer.ts', import.meta.url));
const ROTATIONS = 5;
const LIMITS = { env: { PATH: '/usr/sbin:/usr/bin:/bin' }, timeoutMs: 20_000, maxOutput: 1 << 16 };
const never = new AbortController().signal;
const parent = mkdtempSync(`${tmpdir()}/fourlane-rotation-`);

before(() => ensure(['logrotate']));
after(() => rmSync(parent, { recursive: true }));

interface Outcome {
  /** Numbers of the lines, as often as they were read. */
  readonly read: readonly number[];
  /** Those that are in the file or in one that it was rotated to. */
  readonly kept: ReadonlySet<number>;
  readonly written: number;
  readonly renamed: number;
  readonly truncated: number;
}

const numbers = (lines: readonly string[]) =>
  lines.map((line) => {
    const [, n] = /^TEST: line (\d+) of a log that is being rotated$/.exec(line) ?? assert.fail(`a torn line: ${line}`);
    return Number(n);
  });

/** Follows a log over rotations; a batch is read at each `readMs`. */
async function follow(how: string, readMs: number): Promise<Outcome> {
  const dir = mkdtempSync(`${parent}/`);
  const file = `${dir}/app.log`;
  const read: number[] = [];
  const tail = new Tail({ path: file, clock: monotonicMs, lingerMs: 2000 });
  /** Rotations after which the new file has been looked at: before that it must not be rotated away. */
  let followed = 0;
  const batch = async () => {
    const ending = await tail.read(({ lines }) => void read.push(...numbers(lines)), never);
    if (ending === 'end') followed = tail.counts.renamed + tail.counts.truncated;
  };
  await batch();
  const writer = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  writer.stdout.on('data', (text) => (said += String(text)));
  const ended = new Promise((resolve) => writer.once('close', resolve));
  let going = true;
  const reading = (async () => {
    while (going) {
      await batch();
      await sleep(readMs);
    }
  })();
  try {
    await until('the first lines', 20_000, () => read.length > 0);
    const options = how === 'rename' ? `nocreate\n  postrotate\n    kill -HUP ${writer.pid}\n  endscript` : 'copytruncate';
    run(`tee ${dir}/logrotate.conf`, `${file} {\n  rotate 99\n  nocompress\n  ${options}\n}\n`);
    for (let i = 0; i < ROTATIONS; i++) {
      const from = read.length;
      await until('lines of this file', 10_000, () => read.length > from + 500);
      const done = await runCommand(['logrotate', '-f', '-s', `${dir}/state`, `${dir}/logrotate.conf`], LIMITS);
      assert.equal(done.exitCode, 0, done.output);
      await until('the rotation to be followed', 10_000, () => followed > i);
    }
    await sleep(100);
  } finally {
    writer.kill('SIGTERM');
    await ended;
    going = false;
    await reading;
    await batch();
    await tail.close();
  }
  const files = readdirSync(dir).filter((name) => name.startsWith('app.log'));
  assert.equal(files.length, ROTATIONS + 1);
  const kept = files.flatMap((name) => numbers(readFileSync(`${dir}/${name}`, 'utf8').trimEnd().split('\n')));
  return { read, kept: new Set(kept), written: Number(said), renamed: tail.counts.renamed, truncated: tail.counts.truncated };
}

describe('a log rotated by logrotate', () => {
  for (const readMs of [20, 700]) {
    test(`renamed, its writer told by SIGHUP, read each ${readMs} ms: no line is lost or read twice`, {
      timeout: 60_000,
    }, async () => {
      const { read, written, renamed } = await follow('rename', readMs);
      assert.equal(renamed, ROTATIONS);
      assert.equal(read.length, written);
      assert.equal(new Set(read).size, written);
    });

    test(`copied and truncated, read each ${readMs} ms: only what logrotate itself loses is missing, nothing is read twice`, {
      timeout: 60_000,
    }, async (t) => {
      const { read, kept, written, truncated } = await follow('copytruncate', readMs);
      assert.equal(truncated, ROTATIONS);
      const distinct = new Set(read);
      assert.equal(read.length, distinct.size, 'nothing is read twice');
      assert.equal(kept.difference(distinct).size, 0, 'all that is in a file has been read');
      t.diagnostic(`${written} lines written, ${written - kept.size} lost by logrotate, ${written - distinct.size} not read`);
    });
  }
});
