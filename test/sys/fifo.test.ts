import assert from 'node:assert/strict';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Fifo } from '../../src/sys/fifo.ts';

const OPTIONS = { mode: 0o600, maxLine: 100 };
let dir: string;
let path: string;
const fifos: Fifo[] = [];

async function opened(options = OPTIONS): Promise<Fifo> {
  const fifo = await Fifo.open(path, options);
  fifos.push(fifo);
  return fifo;
}

/** As a program does that opens it for each message. */
async function write(text: string): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
  await handle.write(text);
  await handle.close();
}

describe('a FIFO', () => {
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fourlane-fifo-'));
    path = join(dir, 'deep', 'er', 'fifo');
  });
  afterEach(async () => {
    await Promise.all(fifos.splice(0).map((f) => f.close()));
    rmSync(dir, { recursive: true });
  });
  it('is made with its directories and mode, whatever the umask', async () => {
    const umask = process.umask(0o77);
    await opened({ mode: 0o620, maxLine: 100 });
    process.umask(umask);
    assert.equal(statSync(path).mode, constants.S_IFIFO | 0o620);
  });

  it('outlives its writers, and waits for none', async () => {
    const fifo = await opened();
    assert.deepEqual(await fifo.read(), { lines: [], invalid: 0, cut: 0 });
    await write('one\n');
    await write('two\nthree\n');
    assert.deepEqual((await fifo.read()).lines, ['one', 'two', 'three']);
    assert.deepEqual((await fifo.read()).lines, []);
    await write('four\n');
    assert.deepEqual((await fifo.read()).lines, ['four']);
  });

  it('puts lines together that come in parts, cuts long ones, counts what is no UTF-8', async () => {
    const fifo = await opened();
    await write('begun');
    assert.deepEqual((await fifo.read()).lines, []);
    await write(' and ended\nrest');
    assert.deepEqual((await fifo.read()).lines, ['begun and ended']);
    await write(`\n${'x'.repeat(300)}\n`);
    const { lines, cut } = await fifo.read();
    assert.deepEqual([lines[0], lines[1]?.length, cut], ['rest', 100, 1]);
  });

  it('takes more than the pipe holds, in order', async () => {
    const fifo = await opened();
    const wanted: string[] = [];
    const got: string[] = [];
    for (let round = 0; round < 20; round++) {
      const lines = Array.from({ length: 900 }, (_, i) => `line ${round} ${i} ${'.'.repeat(50)}`);
      wanted.push(...lines);
      await write(`${lines.join('\n')}\n`);
      got.push(...(await fifo.read()).lines);
    }
    assert.deepEqual(got, wanted);
  });

  it('drops what was in it before it was opened', async () => {
    const first = await opened();
    const holder = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
    await first.close();
    fifos.pop();
    await holder.write('old\nhalf');
    const fifo = await opened();
    await holder.write(' a line\nnew\n');
    assert.deepEqual((await fifo.read()).lines, [' a line', 'new']);
    await holder.close();
  });

  it('that it made keeps what is written to it before it is first read', async () => {
    const opening = opened();
    while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
    const holder = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    writeSync(holder, 'first\n');
    assert.deepEqual((await (await opening).read()).lines, ['first']);
    closeSync(holder);
  });

  it('is followed when it is removed and made anew, and nothing is lost', async () => {
    const fifo = await opened();
    await write('last of the old\n');
    await unlink(path);
    const other = await Fifo.open(path, OPTIONS);
    await other.close();
    assert.deepEqual((await fifo.read()).lines, ['last of the old']);
    await write('first of the new\n');
    assert.deepEqual((await fifo.read()).lines, ['first of the new']);
    await unlink(path);
    assert.deepEqual((await fifo.read()).lines, []);
    assert.ok(statSync(path).isFIFO(), 'it is made when nobody else did');
  });

  it('has one reader; the second is told', async () => {
    await opened();
    await assert.rejects(Fifo.open(path, OPTIONS), { code: 'EBUSY', message: /another process reads it/ });
  });

  it('is no other file', async () => {
    path = join(dir, 'file');
    writeFileSync(path, '');
    await assert.rejects(opened(), { name: 'FileError', message: /it is no FIFO; remove it or name another path/ });
    path = join(dir, 'file', 'below');
    await assert.rejects(opened(), { name: 'FileError', code: 'ENOTDIR' });
  });
});
