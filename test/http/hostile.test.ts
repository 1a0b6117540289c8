/** What clients may send to the HTTP thread of an agent, and it goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAgent } from '../daemon/http-stage.ts';
import { until } from '../../src/lab/until.ts';
import { ask, json, sendRaw } from './http.ts';

let server: Awaited<ReturnType<typeof openAgent>>;
before(async () => {
  server = await openAgent({ limits: { headersTimeoutMs: 300 } });
  server.live();
});
after(async () => {
  await server.close();
  assert.deepEqual(server.logged, [], 'nothing a client sends is an error of ours');
});

const PATHS = [
  '/',
  '/metrics',
  '/-/healthy',
  '/-/ready',
  '/-/reload',
  '/api/v1/status',
  '/api/v1/why',
  '/api/v1/verdicts',
  '/nowhere',
];
const BIG = Buffer.alloc(10_000_000, 'x');

for (const path of PATHS) {
  test(`a body of 10 MB on ${path} is refused`, async () => {
    const before = process.memoryUsage.rss();
    const known = await sendRaw(
      server.port,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${BIG.length}\r\n\r\n`,
      BIG,
    );
    const chunked = await sendRaw(
      server.port,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${BIG.length.toString(16)}\r\n`,
      BIG,
    );
    for (const answer of [known, chunked]) {
      assert.match(answer, /^HTTP\/1\.1 413 .*\r\n[^]*connection: close\r\n[^]*\{"code":"BODY_TOO_LARGE"/i);
    }
    assert.ok(process.memoryUsage.rss() - before < 60_000_000, 'it is not kept');
  });
}

test('who asks before sending a body of 10 MB is told at once', async () => {
  const answer = await sendRaw(
    server.port,
    'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10000000\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('who asks before sending a small body may', async () => {
  const answer = await sendRaw(
    server.port,
    'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
    '{}',
  );
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 403 /);
});

test('a small body is read and forgotten; the connection goes on', async () => {
  const get = 'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const answer = await sendRaw(server.port, 'GET /-/ready HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc', get);
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
});

const slow: readonly (readonly [what: string, sent: string])[] = [
  ['headers that never end', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n'],
  ['a body that never comes', 'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab'],
  ['a connection that says nothing', ''],
];
for (const [what, sent] of slow) {
  test(`slowloris: ${what}`, async () => {
    const answer = await sendRaw(server.port, sent);
    assert.match(answer, /^HTTP\/1\.1 408 [^]*"BAD_REQUEST"/);
  });
}

const broken: readonly (readonly [what: string, sent: string, status: number])[] = [
  ['headers of 32 KiB', `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${'b'.repeat(32_768)}\r\n\r\n`, 431],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400],
  ['two lengths', 'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
  [
    'a length and chunks',
    'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['a negative length', 'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n', 400],
  ['a null byte in a header', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-A: \0\r\n\r\n', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
];
for (const [what, sent, status] of broken) {
  test(`${what}: ${status}`, async () => {
    assert.match(await sendRaw(server.port, sent), new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

test('paths are compared as sent', async () => {
  const wrong = [
    '/metrics/',
    '/Metrics',
    '/../metrics',
    '/-/../metrics',
    '/%6detrics',
    '//metrics',
    '/metrics%00',
    '/api/v1/status/..',
    '/__proto__',
    '/constructor',
    `/${'a'.repeat(8000)}`,
  ];
  for (const path of wrong) {
    const answer = await ask(server.port, path);
    assert.deepEqual([answer.status, json(answer).code], [404, 'NOT_FOUND'], path);
  }
  assert.match(
    await sendRaw(server.port, `GET http://localhost/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
    /^HTTP\/1\.1 404 /,
  );
});

test('unknown methods are refused with those allowed', async () => {
  for (const [method, path, allow] of [
    ['DELETE', '/metrics', 'GET, HEAD'],
    ['POST', '/', 'GET, HEAD'],
    ['GET', '/-/reload', 'POST'],
    ['OPTIONS', '/-/reload', 'POST'],
    ['PROPFIND', '/', 'GET, HEAD'],
  ] as const) {
    const answer = await ask(server.port, path, { method });
    assert.deepEqual([answer.status, answer.headers['allow'], json(answer).code], [405, allow, 'METHOD_NOT_ALLOWED']);
  }
});

test('queries of nonsense get an answer', async () => {
  for (const query of [
    '?nic=%E0%A4%A',
    '?nic=%00',
    '?rs=%FF%FE',
    '?nic=<script>',
    '?rs=__proto__',
    '?&&&=',
    '?nic=',
    `?rs=${'9'.repeat(5000)}`,
  ]) {
    assert.ok([400, 404].includes((await ask(server.port, `/api/v1/why${query}`)).status), query);
  }
  for (const query of ['?page=-1', '?page=1e99', '?page=NaN', '?pause&page=<b>', '?%'])
    assert.equal((await ask(server.port, `/${query}`)).status, 200, query);
});

test('idle connections shut nobody out: one goes for the newest, first those that have long not asked anything', async () => {
  const own = await openAgent({ limits: { maxConnections: 4 } });
  const closed: string[] = [];
  const open = (name: string): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(own.port, '127.0.0.1', () => resolve(socket)).on('error', () => undefined);
      socket.on('close', () => closed.push(name)).resume();
    });
  try {
    const scraper = await open('scraper');
    scraper.write('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(scraper, 'data');
    const held: Socket[] = [];
    for (const name of ['one', 'two', 'three']) held.push(await open(name));
    await sleep(1100);
    for (let k = 0; k < 3; k++) assert.equal((await ask(own.port, '/api/v1/status')).status, 200);
    await until('the oldest of them is closed', 2000, () => closed.length > 0);
    assert.equal(closed[0], 'one');
    assert.ok(!closed.includes('scraper'), 'who asks keeps his connection');
    for (const socket of [scraper, ...held]) socket.destroy();
  } finally {
    await own.close();
  }
});

test('when all are busy the next is told so, but for health', async () => {
  const own = await openAgent({ limits: { maxConnections: 4 } });
  try {
    const busy = Array.from({ length: 4 }, () => connect(own.port, '127.0.0.1').on('error', () => undefined));
    for (const socket of busy) {
      const head = 'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n';
      socket.write(head);
      await once(socket, 'data');
    }
    await until('OVERLOADED', 5000, async () => (await ask(own.port, '/api/v1/status')).status === 503);
    const answer = await ask(own.port, '/api/v1/status');
    assert.deepEqual([answer.headers['retry-after'], json(answer).code], ['1', 'OVERLOADED']);
    assert.equal((await ask(own.port, '/-/healthy')).status, 200);
    for (const socket of busy) socket.destroy();
    await until('served again', 5000, async () => (await ask(own.port, '/api/v1/status')).status === 200);
  } finally {
    await own.close();
  }
});

test('a client that goes away in the middle of a scrape disturbs nobody', async () => {
  const sockets = Array.from({ length: 20 }, () => connect(server.port, '127.0.0.1'));
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.resetAndDestroy();
  }
  assert.equal((await ask(server.port, '/metrics')).status, 200);
});
