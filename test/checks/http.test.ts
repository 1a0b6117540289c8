import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { brief, closedPort, httpServer, probe, tcpServer } from './harness.ts';

test('status, host, headers and path', async () => {
  const seen: (string | undefined)[] = [];
  const port = await httpServer((req, res) => {
    seen.push(
      `${req.method} ${req.url} host=${req.headers.host} x=${String(req.headers['x-a'])} ua=${req.headers['user-agent']} ` +
        `conn=${req.headers.connection}`,
    );
    res.end('fine');
  });
  assert.equal(brief(await probe('http', { path: '/health?a=1' }, port)), 'ok match none 0');
  await probe('http', { method: 'HEAD', host: 'web.test', headers: { 'X-A': 'b c', 'user-agent': 'mine' } }, port);
  await probe('http', { method: 'POST', headers: { Host: 'other.test' } }, port);
  assert.deepEqual(seen, [
    `GET /health?a=1 host=127.0.0.1:${port} x=undefined ua=fourlane conn=close`,
    'HEAD / host=web.test x=b c ua=mine conn=close',
    'POST / host=other.test x=undefined ua=fourlane conn=close',
  ]);
});

test('a wrong status names itself', async () => {
  const port = await httpServer((req, res) => {
    res.statusCode = Number(req.url!.slice(1));
    res.end('body');
  });
  assert.equal(brief(await probe('http', { path: '/500' }, port)), 'l7 match status 500');
  assert.equal(brief(await probe('http', { path: '/404', status: '200-299,404' }, port)), 'ok match none 0');
  assert.equal(brief(await probe('http', { path: '/200', status: 204 }, port)), 'l7 match status 200');
});

test('body: substring, regular expression, MD5, chunked and with length', async () => {
  const port = await httpServer((req, res) => {
    if (req.url === '/length') res.setHeader('Content-Length', 12);
    res.write('grüße ');
    res.end('you');
  });
  const md5 = createHash('md5').update('grüße you').digest('hex');
  for (const path of ['/chunked']) {
    assert.equal((await probe('http', { path, contains: 'üße y' }, port)).outcome, 'ok');
    assert.equal((await probe('http', { path, matches: '^gr.+u$' }, port)).outcome, 'ok');
    assert.equal((await probe('http', { path, md5: md5.toUpperCase() }, port)).outcome, 'ok');
    assert.equal(brief(await probe('http', { path, contains: 'bye' }, port)), 'l7 match body 200');
    assert.equal(brief(await probe('http', { path, matches: '^you' }, port)), 'l7 match body 200');
    assert.equal(brief(await probe('http', { path, md5: '0'.repeat(32) }, port)), 'l7 match digest 200');
  }
  assert.equal(brief(await probe('http', { path: '/length', contains: 'you' }, port)), 'l7 response closed 200');
});

const md5Of = (text: string) => createHash('md5').update(text).digest('hex');

test('digest is over all that follows the header, md5 over the body', async () => {
  const port = await httpServer((req, res) => {
    if (req.url === '/length') res.setHeader('Content-Length', 5);
    res.write('hel');
    res.end('lo');
  });
  const framed = md5Of('3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n');
  assert.equal((await probe('http', { digest: framed }, port)).outcome, 'ok');
  assert.equal((await probe('http', { path: '/length', digest: md5Of('hello') }, port)).outcome, 'ok');
  assert.equal(brief(await probe('http', { digest: md5Of('hello') }, port)), 'l7 match digest 200');
  assert.equal((await probe('http', { md5: md5Of('hello') }, port)).outcome, 'ok');
  // HTTP/1.0: Node neither frames nor announces a length.
  assert.equal((await probe('http', { protocol: '1.0', digest: md5Of('hello') }, port)).outcome, 'ok');
});

test('versions of HTTP: 1.0 without, 1.0C with Connection: close', async () => {
  const seen: string[] = [];
  const port = await httpServer((req, res) => {
    seen.push(`${req.httpVersion} ${req.headers.connection}`);
    res.end();
  });
  for (const protocol of ['1.0', '1.0C', '1.1']) assert.equal((await probe('http', { protocol }, port)).outcome, 'ok');
  assert.deepEqual(seen, ['1.0 undefined', '1.0 close', '1.1 close']);
});

test('flags of the expression, what must not match, and where a match may begin', async () => {
  const port = await httpServer((_, res) => res.end('one\nTwo two'));
  const match = async (parameters: object) => brief(await probe('http', parameters, port));
  const [good, bad] = ['ok match none 0', 'l7 match body 200'];
  assert.equal(await match({ matches: 'ONE' }), bad);
  assert.equal(await match({ matches: 'ONE', matchFlags: ['caseless'] }), good);
  assert.equal(await match({ matches: 'one.Two' }), bad);
  assert.equal(await match({ matches: 'one.two', matchFlags: ['dotall', 'caseless'] }), good);
  assert.equal(await match({ matches: 'three', noMatch: true }), good);
  assert.equal(await match({ matches: 'two', noMatch: true }), bad);
  assert.equal(await match({ matches: 'one', matchFrom: 1 }), bad);
  assert.equal(await match({ matches: 'o', matchFrom: 1 }), good);
  assert.equal(await match({ matches: 'two', matchTo: 8 }), good);
  assert.equal(await match({ matches: 'two', matchTo: 7 }), bad);
  assert.equal(await match({ matches: '^ne', matchFrom: 1 }), bad);
  assert.equal(await match({ matches: 'x?', matchFrom: 1000, noMatch: true }), good);
  await assert.rejects(match({ noMatch: true }), /is of no use without \\?"matches/);
  await assert.rejects(match({ matches: 'a', matchFrom: 3, matchTo: 2 }), /after matchTo/);
  await assert.rejects(match({ matches: '\\bx', matchFlags: ['caseless'] }), /write it outside/);
});

test('several pages, each on a connection of its own, all must be good; what one does not set is as for the check', async () => {
  const seen: string[] = [];
  let connections = 0;
  const port = await httpServer((req, res) => {
    seen.push(`${req.url} ${req.headers.host} ${String(req.headers['x-a'])}`);
    res.statusCode = req.url === '/missing' ? 404 : 200;
    res.end(req.url);
  });
  const sockets = await tcpServer((s) => (connections++, s.end('HTTP/1.0 200 OK\r\n\r\n')));
  const urls = [
    { path: '/a', contains: '/a' },
    { path: '/b', host: 'b.test' },
    { path: '/missing', status: 404 },
  ];
  const common = { headers: { 'X-A': '1' }, host: 'c.test' };
  assert.equal(brief(await probe('http', { ...common, urls }, port)), 'ok match none 0');
  assert.deepEqual(seen, ['/a c.test 1', '/b b.test 1', '/missing c.test 1']);
  const wrong = [{ path: '/a' }, { path: '/missing' }, { path: '/never' }];
  assert.equal(brief(await probe('http', { urls: wrong }, port)), 'l7 match status 404');
  assert.equal(seen.at(-1), `/missing 127.0.0.1:${port} undefined`);
  assert.equal((await probe('http', { urls: [{}, {}, {}, {}] }, sockets)).outcome, 'ok');
  assert.equal(connections, 4);
  await assert.rejects(probe('http', { urls: [{ matches: '(' }] }, port), /regular expression/);
  await assert.rejects(probe('http', { urls: [] }, port), /Too small/);
});

test('several pages with expressions', async () => {
  const port = await httpServer((req, res) => res.end(req.url === '/big' ? `${'x'.repeat(60_000)}end` : 'small'));
  const urls = [
    { path: '/big', matches: 'x{300}end$' },
    { path: '/small', matches: '^s.*l$' },
  ];
  const slow = { timeout: 3000 };
  assert.equal(brief(await probe('http', { urls }, port, slow)), 'ok match none 0');
  const [big, small] = urls;
  assert.equal(brief(await probe('http', { urls: [small, { ...big, matches: 'y' }] }, port, slow)), 'l7 match body 200');
  assert.equal(brief(await probe('http', { urls }, await closedPort(), slow)), 'refused connect errno 111');
  const cut = await tcpServer((s) => s.once('data', () => s.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')));
  assert.equal(brief(await probe('http', { urls }, cut, slow)), 'l7 response closed 200');
  const reset = await tcpServer((s) => s.once('data', () => s.resetAndDestroy()));
  assert.equal(brief(await probe('http', { urls }, reset, slow)), 'l7 response closed 0');
  const hangs = await tcpServer();
  assert.equal(brief(await probe('http', { urls }, hangs, { timeout: 200 })), 'l7 response deadline 0');
});

test('the deadline is that of all pages together', async () => {
  const port = await httpServer((_, res) => void setTimeout(() => res.end(), 150));
  const seen = await probe('http', { urls: [{}, {}, {}, {}] }, port, { timeout: 400 });
  assert.equal(brief(seen), 'l7 response deadline 0');
  assert.ok(seen.elapsedUs < 600_000, String(seen.elapsedUs));
});

test('a body above maxBody', async () => {
  const port = await httpServer((_, res) => res.end('x'.repeat(3_000_000)));
  assert.equal(brief(await probe('http', { contains: 'y', maxBody: 1000 }, port)), 'l7 response too_large 200');
  assert.equal(brief(await probe('http', { contains: 'y', maxBody: 4_000_000 }, port, { timeout: 3000 })), 'l7 match body 200');
});

test('a body that is matched is 64 KiB at most, unless more is allowed, and that must not take long', async () => {
  const port = await httpServer((_, res) => res.end(`${'x'.repeat(70_000)}y`));
  assert.equal(brief(await probe('http', { matches: 'y$' }, port)), 'l7 response too_large 200');
  assert.equal(brief(await probe('http', { contains: 'y' }, port)), 'ok match none 0');
  assert.equal(brief(await probe('http', { matches: 'y$', maxBody: 100_000 }, port)), 'ok match none 0');
  await assert.rejects(
    probe('http', { matches: 'x.{0,900}y' }, port),
    /takes too long for 65536 bytes; make maxBody at most \d+/,
  );
});

test('a body that comes in many pieces: contains, matches and md5 see all of it', async () => {
  const text = 'abcdefghij'.repeat(50);
  const port = await tcpServer((s) => {
    s.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (const char of text) s.write(`1\r\n${char}\r\n`);
    s.write('0\r\n\r\n');
  });
  const md5 = createHash('md5').update(text).digest('hex');
  assert.equal(brief(await probe('http', { contains: 'jabcdefghija', matches: '^a.*j$', md5 }, port)), 'ok match none 0');
});

test('a server that sends one byte at a time and never ends is wrong, the link is good', async () => {
  const port = await tcpServer((s) => {
    const timer = setInterval(() => s.write('H'), 50);
    s.on('close', () => clearInterval(timer));
  });
  const seen = await probe('http', {}, port, { timeout: 400 });
  assert.equal(brief(seen), 'l7 response deadline 0');
  assert.ok(seen.elapsedUs >= 400_000 && seen.elapsedUs < 600_000, String(seen.elapsedUs));
});

test('silence after the request was acknowledged is the server, not the path', async () => {
  assert.equal(brief(await probe('http', {}, await tcpServer())), 'l7 response deadline 0');
});

test('replies that are no HTTP, invalid headers, an early close, a refusal', async () => {
  assert.equal(brief(await probe('http', {}, await tcpServer((s) => s.write('SSH-2.0\r\n')))), 'l7 response invalid_reply 0');
  assert.equal(
    brief(await probe('http', {}, await tcpServer((s) => s.write('HTTP/1.1 200 OK\r\n\x01bad\r\n\r\n')))),
    'l7 response invalid_reply 200',
  );
  assert.equal(brief(await probe('http', {}, await tcpServer((s) => s.once('data', () => s.end())))), 'l7 response closed 0');
  assert.equal(brief(await probe('http', {}, await closedPort())), 'refused connect errno 111');
});

test('a flood does not hold the lane', async () => {
  const chunk = Buffer.alloc(1 << 20, 'a');
  const port = await tcpServer((s) => {
    const pour = () => {
      while (s.writable && s.write(chunk));
    };
    s.write('HTTP/1.1 200 OK\r\n\r\n');
    s.on('drain', pour);
    pour();
  });
  assert.equal(
    brief(await probe('http', { contains: 'zzz', maxBody: 30_000_000 }, port, { timeout: 5000 })),
    'l7 response too_large 200',
  );
});

test('the schema refuses what could not be sent', async () => {
  const bad = [
    { path: 'x' },
    { path: '/a b' },
    { status: '99' },
    { status: '300-200' },
    { headers: { 'a b': 'c' } },
    { headers: { a: 'b\r\nc: d' } },
    { matches: '(' },
    { matches: '(?=a)' },
    { md5: 'xx' },
  ];
  for (const parameters of bad) await assert.rejects(probe('http', parameters, 1), JSON.stringify(parameters));
});
