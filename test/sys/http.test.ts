import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, it } from 'node:test';
import { exchange, HttpError } from '../../src/sys/http.ts';

let answer: (response: ServerResponse) => void;
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => answer(response));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x?secret=1`;
after(() => {
  server.closeAllConnections();
  server.close();
});

const get = (options: Partial<Parameters<typeof exchange>[1]> = {}, where = url) =>
  exchange(where, { method: 'GET', timeoutMs: 2000, mostBytes: 1000, ...options });
const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: unknown) => {
      assert.ok(error instanceof HttpError, String(error));
      assert.doesNotMatch(error.message, /secret/);
      return error.kind;
    },
  );

describe('exchange', () => {
  beforeEach(() => {
    answer = (response) => response.end('yes');
  });
  it('gives status and body, whatever the status', async () => {
    const ok = await get();
    assert.deepEqual([ok.status, ok.body.toString()], [200, 'yes']);
    for (const status of [270, 302, 404, 500]) {
      answer = (response) => response.writeHead(status, { location: '/y' }).end();
      assert.deepEqual([(await get()).status, (await get()).body.length], [status, 0]);
    }
  });

  it('throws away a body that is not wanted', async () => {
    const { mostBytes: _, ...rest } = { method: 'GET', timeoutMs: 2000, mostBytes: 0 } as const;
    assert.equal((await exchange(url, rest)).body.length, 0);
  });

  it('tells apart why there is no answer', async () => {
    answer = (response) => response.end('x'.repeat(1001));
    assert.equal(await kindOf(get()), 'tooLong');
    answer = () => undefined;
    assert.equal(await kindOf(get({ timeoutMs: 30 })), 'timeout');
    answer = (response) => response.socket?.destroy();
    assert.equal(await kindOf(get()), 'dropped');
    answer = (response) => void response.writeHead(200, { 'content-length': 9 }).write('x', () => response.socket?.destroy());
    assert.equal(await kindOf(get()), 'dropped');
    answer = (response) => response.socket?.end('nonsense\r\n\r\n');
    assert.equal(await kindOf(get()), 'dropped');
    assert.equal(await kindOf(get({ socketPath: '/nowhere/agent.sock' })), 'unreachable');
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    assert.equal(await kindOf(get({}, `http://127.0.0.1:${port}/`)), 'unreachable');
  });
});
