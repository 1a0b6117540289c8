import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import { SEND_LIMITS, send } from '../../src/http/send.ts';
import { ask } from './http.ts';

const LIMITS = { stallMs: 300, wholeMs: 1500 };
const BIG = Buffer.alloc(64 << 20, 'x');
/** How long each answer took to send: ms. */
const took: number[] = [];
const server = createServer((req, res) => {
  const started = performance.now();
  const body = req.url?.startsWith('/big') ? BIG : Buffer.from(req.url === '/empty' ? '' : 'small');
  const limits = req.url === '/big?impatient' ? LIMITS : SEND_LIMITS;
  void send(res, body, limits).then(() => took.push(performance.now() - started));
});
let port = 0;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
after(() => server.close());

test('an answer comes whole, with its length, whatever its size', async () => {
  for (const [path, length] of [
    ['/small', 5],
    ['/empty', 0],
    ['/big', BIG.length],
  ] as const) {
    const { body, headers } = await ask(port, path);
    assert.deepEqual([body.length, headers['content-length']], [length, String(length)]);
  }
  const head = await ask(port, '/big', { method: 'HEAD' });
  assert.deepEqual([head.body.length, head.headers['content-length']], [0, String(BIG.length)]);
});

/** Reads `bytes` of the big answer every 50 ms; resolves with all that came when the connection ends. */
function reader(bytes: number): Promise<number> {
  return new Promise((resolve) => {
    let got = 0;
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /big?impatient HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    const timer = setInterval(() => {
      const chunk = socket.read(bytes) as Buffer | null;
      got += chunk?.length ?? 0;
      if (got >= BIG.length) socket.destroy();
    }, 50);
    socket.on('readable', () => undefined); // paused: `read` alone takes
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      resolve(got);
    });
    setTimeout(() => socket.destroy(), 4000).unref();
  });
}

test('a reader that takes nothing is cut off, and does not hold what it was to be sent', async () => {
  took.length = 0;
  const before = process.memoryUsage.rss();
  const silent = Array.from({ length: 20 }, () => reader(0));
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(process.memoryUsage.rss() - before < 80 << 20, 'the body is shared, and handed over in pieces');
  await Promise.all(silent);
  assert.equal(took.length, 20);
  assert.ok(Math.max(...took) < 1400, `${Math.max(...took)} ms`);
});

test('one that takes too long in all is cut off too', async () => {
  took.length = 0;
  const got = await reader(300_000);
  assert.ok(got < BIG.length);
  assert.ok(took[0]! < 2000, `${took[0]} ms`);
});
