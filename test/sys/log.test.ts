import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { LogStream } from '../../src/sys/log-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-log-'));
after(() => rmSync(folder, { recursive: true }));
const LIMIT = 200_000;
const line = (i: number) => `{"n":${i},"message":"${'x'.repeat(80)}"}\n`;

/** Lets the stream work until it has nothing to do any more. */
async function settle(what: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!what() && performance.now() < end) {
    await turn();
    await sleep(1);
  }
  assert.ok(what(), 'not within 5 s');
}

/** A pipe that is read when the test says so. */
class Pipe {
  readonly reader: number;
  readonly writer: number;
  text = '';

  constructor() {
    const path = join(folder, 'pipe');
    spawnSync('mkfifo', [path]);
    this.reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(path, constants.O_WRONLY);
    rmSync(path);
  }

  /** Takes all that is in it now. */
  read(): void {
    const buffer = Buffer.alloc(1 << 17);
    for (;;) {
      try {
        const n = readSync(this.reader, buffer);
        if (n === 0) return;
        this.text += buffer.toString('utf8', 0, n);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
        throw error;
      }
    }
  }

  close(): void {
    closeSync(this.reader);
    closeSync(this.writer);
  }
}

describe('the log stream', () => {
  let pipe: Pipe;
  const recoveries: number[] = [];
  let stream: LogStream;
  beforeEach(() => {
    pipe = new Pipe();
    recoveries.length = 0;
    stream = new LogStream(pipe.writer, (dropped) => recoveries.push(dropped), LIMIT);
  });
  afterEach(() => {
    stream.farewell(0);
    pipe.close();
  });

  it('writes lines in their order, later than they are given', async () => {
    for (let i = 0; i < 100; i++) stream.write(line(i));
    pipe.read();
    assert.equal(pipe.text, '', 'nothing is written while the caller runs');
    await settle(() => (pipe.read(), pipe.text.length === line(0).length * 10 + line(10).length * 90));
    assert.equal(pipe.text, Array.from({ length: 100 }, (_, i) => line(i)).join(''));
    assert.equal(stream.waiting, 0);
    assert.deepEqual(recoveries, []);
  });

  it('stays bounded when nobody reads, counts what it drops, and says so once when it has recovered', async () => {
    const written = 20_000;
    for (let i = 0; i < written; i++) {
      stream.write(line(i));
      if (i % 1000 === 0) await turn();
      assert.ok(stream.waiting <= LIMIT);
    }
    await turn();
    const { dropped } = stream;
    assert.ok(dropped > written / 2, `${dropped} dropped`);
    assert.deepEqual(recoveries, []);
    await settle(() => (pipe.read(), recoveries.length > 0));
    stream.write(line(written));
    await settle(() => (pipe.read(), pipe.text.includes(line(written))));
    const lines = pipe.text.trimEnd().split('\n');
    assert.equal(lines.length + dropped, written + 1, 'every line was written or counted');
    for (const text of lines) assert.ok((JSON.parse(text) as { n: number }).n >= 0);
    assert.deepEqual(recoveries, [dropped], 'told once');
    assert.equal(stream.dropped, dropped);
  });

  it('takes a reader that goes away for good as one that never reads', async () => {
    closeSync(pipe.reader);
    for (let i = 0; i < 10; i++) stream.write(line(i));
    await settle(() => stream.dropped > 0);
    assert.equal(stream.dropped, 10);
    stream.write(line(10));
    assert.equal(stream.dropped, 11);
    assert.equal(stream.waiting, 0);
    const again = new Pipe();
    pipe.close = () => (closeSync(pipe.writer), again.close());
  });

  it('at the end writes what waits, for half a second at most', () => {
    for (let i = 0; i < 100; i++) stream.write(line(i));
    stream.farewell();
    pipe.read();
    assert.equal(pipe.text.trimEnd().split('\n').length, 100);
    for (let i = 0; i < 2000; i++) stream.write(line(i));
    const started = performance.now();
    stream.farewell(30);
    assert.ok(performance.now() - started < 2000);
  });

  it('writes into files and sockets as well', async () => {
    const path = join(folder, 'file.log');
    const fd = openSync(path, 'a');
    const file = new LogStream(fd, () => undefined, 50_000_000);
    for (let i = 0; i < 5000; i++) file.write(line(i));
    await settle(() => file.waiting === 0 && readFileSync(path, 'utf8').endsWith(line(4999)));
    file.write(line(5000));
    file.farewell();
    assert.equal(readFileSync(path, 'utf8'), Array.from({ length: 5001 }, (_, i) => line(i)).join(''));
    closeSync(fd);
  });

  it('does not block on a socket that nobody reads', async () => {
    const path = join(folder, 'socket');
    const peers: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (peer) => void peers.push(peer));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const socket = await new Promise<Socket>((resolve) => {
      const made = connect(path, () => resolve(made));
    });
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
    const toSocket = new LogStream(fd, () => undefined, LIMIT);
    for (let i = 0; i < 20_000; i++) {
      toSocket.write(line(i));
      if (i % 1000 === 0) await turn();
    }
    assert.ok(toSocket.dropped > 1000);
    toSocket.farewell(0);
    for (const end of [socket, ...peers]) end.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('the log of a process', () => {
  const program = (body: string) =>
    `import { makeLog } from '${new URL('../../src/sys/log.ts', import.meta.url).href}'; const { logger, dropped } = ` +
    `makeLog('info', false); ${body}`;

  it('is written before the process ends', () => {
    const body = `for (let i = 0; i < 1000; i++) logger.info({ i }, 'line'); process.exit(0);`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program(body)], { encoding: 'utf8' });
    assert.equal(status, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 1000);
    assert.partialDeepStrictEqual(JSON.parse(lines[999]!), { level: 30, i: 999, message: 'line' });
  });

  it('does not keep a process from ending whose stdout nobody reads', () => {
    const pipe = new Pipe();
    const body =
      `for (let i = 0; i < 100000; i++) logger.info({ i }, 'line'); process.stderr.write(String(dropped())); ` +
      `setTimeout(() => process.exit(0), 50);`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program(body)], {
      encoding: 'utf8',
      stdio: ['ignore', pipe.writer, 'pipe'],
      timeout: 10_000,
    });
    pipe.close();
    assert.equal(run.status, 0, 'ended by itself');
    assert.ok(Number(run.stderr) > 50_000, `${run.stderr} dropped`);
  });
});
