import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SocketError } from '../../src/sys/unix-socket.ts';
import { UnixExchange } from '../../src/sys/unix-exchange.ts';
import { until } from '../../src/lab/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-exchange-'));
after(() => rmSync(folder, { recursive: true }));
const ever = new AbortController().signal;
/** A reply is a byte with its length, itself included, and the rest. */
const SHAPE = { head: 1, most: 100, length: (head: Buffer) => head[0]! };
const descriptors = () => readdirSync('/proc/self/fd').length;

let count = 0;
async function serving(serve: (client: Socket, request: Buffer) => void) {
  const path = join(folder, String(count++));
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on('error', () => {});
    client.on('data', (request: Buffer) => serve(client, request));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  after(() => {
    for (const client of open) client.destroy();
    server.close();
  });
  return { exchange: new UnixExchange(path), open };
}

const fails = (promise: Promise<unknown>, code: string, message: RegExp) =>
  assert.rejects(promise, (error: unknown) => error instanceof SocketError && error.code === code && message.test(error.message));

describe('UnixExchange', () => {
  it('hands over a whole request and takes a whole reply, also in pieces', async () => {
    const { exchange } = await serving((client, request) => {
      client.write(Buffer.of(4, request.length));
      setImmediate(() => client.end(Buffer.of(7, 8)));
    });
    assert.deepEqual(await exchange.ask(Buffer.alloc(60_000), SHAPE, ever, 1000), Buffer.of(4, 60_000 & 255, 7, 8));
  });

  it('closes at once after the reply, and has one connection at a time', async () => {
    const order: string[] = [];
    const { exchange } = await serving((client, request) => {
      order.push(`asked ${request[0]}`);
      client.on('close', () => order.push(`closed ${request[0]}`));
      setImmediate(() => client.write(Buffer.of(1)));
    });
    await Promise.all([1, 2, 3].map((n) => exchange.ask(Buffer.of(n), SHAPE, ever, 1000)));
    assert.deepEqual(
      order.filter((o) => o.startsWith('asked')),
      ['asked 1', 'asked 2', 'asked 3'],
    );
    assert.ok(order.indexOf('closed 1') < order.indexOf('asked 3'));
  });

  it('goes on after one that failed, also after one whose turn was not awaited', async () => {
    const { exchange } = await serving((client, [n]) => (n === 1 ? client.end() : client.end(Buffer.of(1))));
    const failed = exchange.ask(Buffer.of(1), SHAPE, ever, 1000);
    assert.deepEqual(await exchange.ask(Buffer.of(2), SHAPE, ever, 1000), Buffer.of(1));
    await fails(failed, 'EOF', /closed after 0 of at least 1 bytes/);
  });

  it('refuses what is too short, too long, or longer than it says', async () => {
    const { exchange } = await serving((client, request) => client.end(request));
    const ask = (...reply: number[]) => exchange.ask(Buffer.from(reply), SHAPE, ever, 1000);
    await fails(ask(3, 0), 'EBADMSG', /closed after 2 of 3 bytes/);
    await fails(ask(1, 0, 0), 'EMSGSIZE', /2 bytes more than the 1 announced/);
    await fails(ask(101, 0), 'EMSGSIZE', /101 bytes is announced; 100 are the most/);
    await fails(ask(0, 0), 'EMSGSIZE', /0 bytes is announced/);
    const shape = {
      ...SHAPE,
      length: () => {
        throw new Error('not a reply');
      },
    };
    await assert.rejects(exchange.ask(Buffer.of(1), shape, ever, 1000), /not a reply/);
  });

  it('gives up at the deadline and when told to, and leaves nothing open', async () => {
    const { exchange, open } = await serving((client) => client.write(Buffer.of(9)));
    const before = descriptors();
    await fails(exchange.ask(Buffer.of(1), SHAPE, ever, 500), 'ETIMEDOUT', /no whole reply within \d+ ms, 1 of 9 bytes came/);
    const abort = new AbortController();
    const asking = exchange.ask(Buffer.of(1), SHAPE, abort.signal, 10_000);
    setTimeout(() => abort.abort(new Error('enough')), 10);
    await assert.rejects(asking, /enough/);
    await assert.rejects(exchange.ask(Buffer.of(1), SHAPE, abort.signal, 10_000), /enough/);
    const closed = () => [...open].every((client) => client.destroyed || client.readyState !== 'open' || client.readableEnded);
    await until('everything is closed', 2000, () => closed() && descriptors() <= before);
  });

  it('says why it can not connect', async () => {
    const ask = (path: string) => new UnixExchange(path).ask(Buffer.of(1), SHAPE, ever, 30);
    await fails(ask(join(folder, 'none')), 'ENOENT', /connect: ENOENT/);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await fails(ask(file), 'ECONNREFUSED', /connect: ECONNREFUSED/);
    await fails(ask('x'.repeat(108)), 'ENAMETOOLONG', /108 bytes; sockets have at most 107/);
  });

  it('waits while the backlog is full, and tells when it stays so', async () => {
    // Node accepts at once; a thread that waits in the server's first callback never does.
    const path = join(folder, 'full');
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
      require('node:net').createServer().listen({ path: workerData, backlog: 1 }, () => {
        parentPort.postMessage('listening');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`,
      { eval: true, workerData: path },
    );
    try {
      await once(worker, 'message');
      const abort = new AbortController();
      const others = [1, 2].map(() => new UnixExchange(path).ask(Buffer.of(1), SHAPE, abort.signal, 10_000));
      await fails(new UnixExchange(path).ask(Buffer.of(1), SHAPE, ever, 30), 'EAGAIN', /connect: its backlog was full for 30 ms/);
      abort.abort(new Error('enough'));
      for (const other of others) await assert.rejects(other, /enough/);
    } finally {
      await worker.terminate();
    }
  });
});
