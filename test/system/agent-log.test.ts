/** An agent whose log nobody reads goes on, serves, and ends when it is told to. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { request } from 'undici';
import { endWithUs } from '../run/end-with-us.ts';
import { loopbackServers, metricOf, run, serve, until, writeConfig } from './harness.ts';
import { PROGRAM } from '../../src/lab/program.ts';

const dir = mkdtempSync(`${tmpdir()}/fourlane-agent-log-`);
after(() => rmSync(dir, { recursive: true }));

/** A pipe that is full. @returns its end to be read and its end to be written to */
function fullPipe(): { reader: number; writer: number } {
  run(`mkfifo ${dir}/pipe`);
  const reader = openSync(`${dir}/pipe`, constants.O_RDONLY | constants.O_NONBLOCK);
  const filler = openSync(`${dir}/pipe`, constants.O_WRONLY | constants.O_NONBLOCK);
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(filler, 'x'.repeat(size));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
  }
  closeSync(filler);
  // Blocking, as a shell's pipe is.
  return { reader, writer: openSync(`${dir}/pipe`, constants.O_WRONLY) };
}

/** All that is in the pipe now. */
function drain(reader: number): string {
  const buffer = Buffer.alloc(1 << 20);
  let text = '';
  try {
    for (let n = -1; n !== 0; ) text += buffer.toString('utf8', 0, (n = readSync(reader, buffer)));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
  }
  return text;
}

test('a full pipe as stdout holds up nothing, not even the end; one that is read has every line', {
  timeout: 60_000,
}, async () => {
  const probed = await serve(0);
  const free = await serve(0);
  await free.close();
  const file = writeConfig(dir, {
    listen: `127.0.0.1:${free.port}`,
    stateDir: `${dir}/state`,
    nics: [{ name: 'lo' }],
    services: [
      { vip: '10.0.0.1:80/tcp', check: { type: 'tcp', interval: '200ms' }, realServers: loopbackServers(3, probed.port) },
    ],
    collectors: {},
  });
  const { reader, writer } = fullPipe();
  const argv = [PROGRAM, 'agent', '--config', file];
  const start = () => endWithUs(spawn(process.execPath, argv, { stdio: ['ignore', writer, 'inherit'] }));
  const ended = (child: ReturnType<typeof start>) =>
    new Promise<[number | null, string | null]>((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));
  const ask = async (path: string) => {
    const { statusCode, body } = await request(`http://127.0.0.1:${free.port}${path}`);
    const text = await body.text();
    return statusCode === 200 && text;
  };

  const deaf = start();
  await until('ready', 15_000, () => ask('/-/ready'));
  assert.equal(metricOf((await ask('/metrics')) || '', 'fourlane_log_dropped_total'), 0, 'a few lines may wait');
  const deafEnded = ended(deaf);
  const told = performance.now();
  deaf.kill('SIGTERM');
  assert.deepEqual(await deafEnded, [0, null]);
  assert.ok(performance.now() - told < 5000);
  assert.doesNotMatch(drain(reader), /"message"/);

  const heard = start();
  await until('ready', 15_000, () => ask('/-/ready'));
  const heardEnded = ended(heard);
  heard.kill('SIGTERM');
  assert.deepEqual(await heardEnded, [0, null]);
  const messages = drain(reader)
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { message: string }).message);
  assert.match(messages.join('\n'), /ready: every lane runs[^]*\nending\n[^]*ended$/);
  closeSync(reader);
  closeSync(writer);
  await probed.close();
});
