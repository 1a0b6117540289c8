import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HttpResponse } from '../../src/checks/http-response.ts';

/** Reads `text`, cut at the given places, then a close. */
function read(text: string, cuts: readonly number[] = [], { noBody = false, raw = false, maxBody = 1000, close = true } = {}) {
  const bytes = Buffer.from(text, 'latin1');
  const body: Buffer[] = [];
  const response = new HttpResponse(noBody ? 'none' : raw ? 'raw' : 'decoded', maxBody, (piece) => body.push(Buffer.from(piece)));
  const places = [0, ...cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) response.feed(bytes.subarray(places[i - 1], places[i]));
  if (close) response.end();
  return {
    status: response.status,
    error: response.error,
    finished: response.finished,
    body: Buffer.concat(body).toString('latin1'),
  };
}

const good = { error: undefined, finished: true };
const cases: Readonly<Record<string, [string, object]>> = {
  'content-length': ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', { ...good, status: 200, body: 'hello' }],
  'bytes after the body are not body': [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello',
    { ...good, status: 200, body: 'he' },
  ],
  'until close': ['HTTP/1.0 200 OK\r\n\r\nhello', { ...good, status: 200, body: 'hello' }],
  chunked: [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n',
    { ...good, status: 200, body: 'hello' },
  ],
  'bare LF and no reason phrase': ['HTTP/1.1 204\nServer: x\n\n', { ...good, status: 204, body: '' }],
  '100 then 200': [
    'HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    { ...good, status: 200, body: '' },
  ],
  'not HTTP': ['SSH-2.0-OpenSSH_9.2\r\n', { status: 0, error: 'invalid_reply', finished: true, body: '' }],
  'status out of range': ['HTTP/1.1 999 No\r\n\r\n', { status: 0, error: 'invalid_reply', finished: true, body: '' }],
  'header without colon': [
    'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n',
    { status: 200, error: 'invalid_reply', finished: true, body: '' },
  ],
  'control character in a header': [
    'HTTP/1.1 200 OK\r\nA: b\x01c\r\n\r\n',
    { status: 200, error: 'invalid_reply', finished: true, body: '' },
  ],
  'two lengths': [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    { status: 200, error: 'invalid_reply', finished: true, body: '' },
  ],
  'negative length': [
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    { status: 200, error: 'invalid_reply', finished: true, body: '' },
  ],
  'wrong chunk size': [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    { status: 200, error: 'invalid_reply', finished: true, body: '' },
  ],
  'cut body': ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe', { status: 200, error: 'closed', finished: true, body: 'he' }],
  'cut head': ['HTTP/1.1 200 OK\r\nContent-', { status: 200, error: 'closed', finished: true, body: '' }],
  'nothing at all': ['', { status: 0, error: 'closed', finished: true, body: '' }],
  'unasked upgrade': ['HTTP/1.1 101 Switching\r\n\r\n', { status: 101, error: 'invalid_reply', finished: true, body: '' }],
};

for (const [name, [text, expected]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(read(text), expected));
}

test('the cut into segments never matters', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(cases)), fc.array(fc.nat(200), { maxLength: 12 }), ([text, expected], cuts) => {
      assert.deepEqual(read(text, cuts), expected);
    }),
  );
});

test('a head of any length, cut anywhere, is followed by its body', () => {
  const lines = fc.array(fc.nat(3000), { maxLength: 6 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat(12_000), { maxLength: 6 }), (lengths, cuts) => {
      const fields = lengths.map((length) => `X: ${'y'.repeat(length)}\r\n`).join('');
      const text = `HTTP/1.1 200 OK\r\n${fields}Content-Length: 5\r\n\r\nhello`;
      assert.deepEqual(read(text, cuts), { ...good, status: 200, body: 'hello' });
    }),
  );
});

test('random bytes never throw and always end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, prefixed) => {
      const text = (prefixed ? 'HTTP/1.1 200 OK\r\n' : '') + Buffer.from(bytes).toString('latin1');
      assert.equal(read(text).finished, true);
    }),
  );
});

test('a head without end and a body above the limit are refused early', () => {
  assert.equal(read(`HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(20_000)}`, [], { close: false }).error, 'too_large');
  assert.equal(read(`HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n`, [], { close: false }).error, 'too_large');
  assert.equal(read(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1001)}`, [], { close: false }).error, 'too_large');
});

test('when only the status matters the head is enough', () => {
  assert.deepEqual(read('HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n', [], { noBody: true, close: false }), {
    ...good,
    status: 200,
    body: '',
  });
});

test('a raw body is what follows the head: framing included when it is chunked, no more than its length when it has one', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
  for (const cuts of [[], [50, 51, 55]])
    assert.deepEqual(read(chunked, cuts, { raw: true }), { ...good, status: 200, body: '2\r\nhi\r\n0\r\n\r\n' });
  assert.equal(read(chunked, [], { raw: true, close: false }).finished, false);
  const length = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there';
  assert.deepEqual(read(length, [], { raw: true, close: false }), { ...good, status: 200, body: 'hi' });
});
