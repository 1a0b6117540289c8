import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileVersion } from '../../src/sys/files.ts';
import {
  childrenOf,
  descriptorsOf,
  environmentOf,
  listensFor,
  readProcess,
  sendSignal,
  startSeconds,
  survives,
} from '../../src/sys/process.ts';

/** Larger than any pid. */
const NOBODY = 2 ** 22 + 1;
const USR1 = 10;
const USR2 = 12;
const HUP = 1;
/** A shell that ignores SIGHUP, handles SIGUSR1, and is ended by SIGUSR2. */
const child = spawn('sh', ['-c', "trap '' HUP; trap : USR1; echo ready; read x"], {
  env: { PATH: process.env['PATH'], MARK: 'a=b' },
  stdio: ['pipe', 'pipe', 'ignore'],
});
const spawned = Date.now() / 1000;
const pid = child.pid!;
const ready = new Promise((done) => child.stdout.once('data', done));
after(() => child.kill('SIGKILL'));

describe('other processes', () => {
  it('are known by number, parent and start', async () => {
    await ready;
    const info = await readProcess(pid);
    assert.equal(info?.parent, process.pid);
    const started = await startSeconds(info!.startTicks);
    assert.ok(Math.abs(started! - spawned) < 10, `${started}`);
    assert.ok((await childrenOf(process.pid))?.includes(pid));
    assert.equal(await readProcess(NOBODY), undefined);
  });

  it('have environment and descriptors', async () => {
    await ready;
    assert.equal(await environmentOf(pid, 'MARK'), 'a=b');
    assert.equal(await environmentOf(pid, 'MAR'), undefined);
    assert.ok((await descriptorsOf(pid)).some((d) => d.target === '/dev/null' && d.path === `/proc/${pid}/fd/2`));
    assert.deepEqual(await descriptorsOf(NOBODY), []);
  });

  it('tell which signals they wait for, and which would end them', async () => {
    await ready;
    const signals = async (signal: number) => [await listensFor(pid, signal), await survives(pid, signal)];
    assert.deepEqual(await signals(USR1), [true, true]);
    assert.deepEqual(await signals(HUP), [false, true]);
    assert.deepEqual(await signals(USR2), [false, false]);
    assert.equal(await survives(NOBODY, USR1), false);
    assert.throws(() => sendSignal(NOBODY, USR1), /has just ended/);
  });
});

describe('a file version', () => {
  it('differs after each writing; none for no file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fourlane-version-'));
    const path = join(dir, 'x');
    assert.equal(await fileVersion(path), undefined);
    writeFileSync(path, '1');
    const first = await fileVersion(path);
    assert.equal(first?.bytes, 1);
    assert.equal((await fileVersion(path))?.key, first?.key);
    writeFileSync(path, '22');
    assert.notEqual((await fileVersion(path))?.key, first?.key);
    assert.equal(await fileVersion(join(path, 'below')), undefined);
    rmSync(dir, { recursive: true });
  });
});
