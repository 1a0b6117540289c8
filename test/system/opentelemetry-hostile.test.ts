/**
 * Collectors that are away, slow or hostile: pushes fail, are counted and told of once; nothing piles up, and ending does not
 * wait for them.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { settings, stage } from '../otel/stage.ts';
import { serve, until } from './harness.ts';

const REQUEST = /\r\n\r\n/;
const answering = (answer: string) => (socket: Socket) => {
  socket.on('data', (data) => REQUEST.test(data.toString('latin1')) && socket.write(answer));
};
const body = (status: string, text: string) =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;

/** For what comes at once, on a machine that has other work too. */
const PATIENT = { interval: 600, timeout: 600 };
/** What a collector does with a connection, what the log says of it, and with how much patience it is found. */
const hostile: Readonly<Record<string, readonly [talk: (socket: Socket) => void, said: RegExp, patience?: typeof PATIENT]>> = {
  'never answers': [() => undefined, /Request timed out|no complete answer|socket hang up/],
  'drips its headers': [
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => socket.write('X-A: b\r\n'), 20);
      socket.on('close', () => clearInterval(drip));
    },
    /no complete answer within 150 ms/,
  ],
  'answers 500': [answering(body('500 Internal Server Error', 'x'.repeat(100_000))), /answered 500 /, PATIENT],
  'answers 401': [answering(body('401 Unauthorized', 'no')), /answered 401 Unauthorized/, PATIENT],
  'asks to retry for ever': [
    answering('HTTP/1.1 503 Busy\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n'),
    /retryable/,
    PATIENT,
  ],
  'is no HTTP server': [(socket) => socket.write('220 mail ESMTP\r\n'), /Parse Error/, PATIENT],
  'hangs up': [(socket) => socket.destroy(), /ECONNRESET|socket hang up|EPIPE/, PATIENT],
  'sends without end': [
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const chunk = `10000\r\n${'y'.repeat(65_536)}\r\n`;
      const flood = setInterval(() => socket.writable && !socket.writableNeedDrain && socket.write(chunk), 1);
      socket.on('close', () => clearInterval(flood));
    },
    /exceeded size limit|no complete answer|not exported/,
  ],
};

for (const [what, [talk, said, patience]] of Object.entries(hostile)) {
  test(`a collector that ${what}`, async (t) => {
    const { port, close } = await serve(0, talk);
    const { telemetry, lines, count } = stage();
    t.after(() => Promise.all([telemetry.stop(), close()]));
    telemetry.follow(settings(`http://127.0.0.1:${port}`, patience));
    let spans = 0;
    await until('failures', 40_000, () => {
      telemetry.tracer.span('a', {}, () => spans++);
      return count('fourlane_otlp_requests_total', 'metrics', 'failed') >= 4;
    });
    const told = lines.filter((l) => l.startsWith('warn'));
    assert.equal(told.length, 1, lines.join('\n'));
    assert.match(told[0]!, said);
    assert.ok(told[0]!.length < 500);
    assert.equal(count('fourlane_otlp_requests_total', 'metrics', 'sent'), 0);
    // A moment of 9005 points is three requests; after the first has failed the others are not tried.
    await until('all is counted', 5000, () => count('fourlane_otlp_lost_total', 'metrics') >= 4 * 9005);
    const began = performance.now();
    await telemetry.stop();
    assert.ok(performance.now() - began < 4000, 'ending waits for two seconds at most');
    assert.equal(count('fourlane_otlp_lost_total', 'traces'), spans);
  });
}

test('a collector that is away, and comes', async (t) => {
  const away = await serve(0);
  await away.close();
  const { telemetry, lines, count } = stage();
  t.after(() => telemetry.stop());
  telemetry.follow(settings(`http://127.0.0.1:${away.port}`));
  await until('failures', 40_000, () => count('fourlane_otlp_requests_total', 'metrics', 'failed') >= 2);
  assert.match(lines[1]!, /^warn OpenTelemetry: metrics not exported: .*ECONNREFUSED/);
  const { close } = await serve(away.port, answering(body('200 OK', '{}')));
  t.after(close);
  await until('it is told', 40_000, () => lines.some((l) => l.startsWith('info OpenTelemetry: metrics are taken again')));
  assert.equal(lines.length, 3, lines.join('\n'));
});

test('what a collector refuses of a request is counted', async (t) => {
  const partial = JSON.stringify({ partialSuccess: { rejectedDataPoints: '17', errorMessage: 'z'.repeat(10_000) } });
  const { port, close } = await serve(0, answering(body('200 OK', partial)));
  const { telemetry, lines, count } = stage();
  t.after(() => Promise.all([telemetry.stop(), close()]));
  telemetry.follow(settings(`http://127.0.0.1:${port}`, { interval: 2000, timeout: 2000 }));
  await until('counted', 40_000, () => count('fourlane_otlp_lost_total', 'metrics') >= 17);
  assert.match(lines[1]!, /refused a part: .*rejectedDataPoints.*17/);
  assert.ok(lines[1]!.length < 500);
});
