import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, it } from 'node:test';
import { webhook } from '../../src/act/webhook.ts';
import { effectOf, takenOut } from './world.ts';

let answer: (response: ServerResponse) => void;
const requests: { method: string | undefined; headers: IncomingMessage['headers']; body: string }[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    requests.push({ method: request.method, headers: request.headers, body });
    answer(response);
  });
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=secret`;
after(() => {
  server.closeAllConnections();
  server.close();
});

const spec = { type: 'webhook', url, headers: { authorization: 'Bearer abc' }, timeout: 2000 };
const nic = effectOf({ spec });
const rs = takenOut(spec);

describe('webhook', () => {
  beforeEach(() => {
    requests.length = 0;
    answer = (response) => response.end();
  });
  it('posts all effects in one request, as documented', async () => {
    assert.equal(await webhook.perform(spec, [nic, rs], { announce: false, notes: [] }), 'done');
    const [request] = requests;
    assert.equal(requests.length, 1);
    assert.equal(request?.method, 'POST');
    assert.equal(request?.headers['content-type'], 'application/json');
    assert.equal(request?.headers.authorization, 'Bearer abc');
    const why = { verdict: 'NIC_FAIL', cause: 'link', reason: 'all real servers time out' };
    assert.deepEqual(JSON.parse(request?.body ?? ''), {
      version: 1,
      cluster: 'edge-1',
      server: 'lb-01',
      reannounce: false,
      effects: [
        { kind: 'nic', state: 'failed', nic: 'eth2', ...why },
        {
          kind: 'realServer',
          state: 'disabled',
          service: 'web',
          vip: '10.0.0.1:80/tcp',
          nic: 'eth2',
          realServer: '10.1.0.1:80',
          weight: 0,
          ...why,
        },
      ],
    });
  });

  it('marks a repetition', async () => {
    await webhook.perform(spec, [nic], { announce: true, notes: [] });
    assert.equal(JSON.parse(requests[0]?.body ?? '').reannounce, true);
  });

  for (const status of [301, 404, 500, 503]) {
    it(`fails on ${status}, without showing the query`, async () => {
      answer = (response) => response.writeHead(status, { location: '/elsewhere' }).end('x'.repeat(100_000));
      await assert.rejects(webhook.perform(spec, [nic], { announce: false, notes: [] }), (error: Error) => {
        assert.match(error.message, new RegExp(`^POST http://127\\.0\\.0\\.1:\\d+/… failed: answered ${status}, needs 2xx$`));
        return true;
      });
      assert.equal(requests.length, 1, 'no redirect is followed');
    });
  }

  it('fails when no answer comes in time', async () => {
    answer = () => undefined;
    await assert.rejects(
      webhook.perform({ ...spec, timeout: 50 }, [nic], { announce: false, notes: [] }),
      /failed: no answer within 50 ms/,
    );
  });

  it('fails when the answer does not end in time', async () => {
    answer = (response) => void response.writeHead(200).write('x');
    await assert.rejects(
      webhook.perform({ ...spec, timeout: 100 }, [nic], { announce: false, notes: [] }),
      /failed: no answer within 100 ms/,
    );
  });

  it('fails when nobody listens, or the answer is no HTTP', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    await assert.rejects(
      webhook.perform({ ...spec, url: `http://127.0.0.1:${port}/` }, [nic], { announce: false, notes: [] }),
      /failed: .*ECONNREFUSED/,
    );
    answer = (response) => response.socket?.end('nonsense\r\n\r\n');
    await assert.rejects(webhook.perform(spec, [nic], { announce: false, notes: [] }), /failed: /);
  });
});
