/** What is made of answers that do not come: nothing is said about the address then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Requests } from '../../src/passthrough/requests.ts';
import type { CheckProfile } from '../../src/model/plan.ts';
import { tcpServer } from '../checks/harness.ts';

const LOCAL = '127.0.0.1';

/** A real server that echoes `said`, but for the requests of these numbers, counted from 0, which it never answers. */
async function echoOf(said: string, unanswered: readonly number[]): Promise<{ requests: Requests; count: () => number }> {
  let count = 0;
  const port = await tcpServer((socket) =>
    socket.once('data', () => {
      if (unanswered.includes(count++)) return;
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${said.length}\r\nConnection: close\r\n\r\n${said}`);
    }),
  );
  return { requests: new Requests('lo', { family: 4, ip: LOCAL, port }, { type: 'http' } as CheckProfile), count: () => count };
}

/** The echo, of `asked` requests. Where this thread was late one is asked again, which the server counts, too: then anew. */
async function toldBy(said: string, unanswered: readonly number[], asked: number) {
  for (let tries = 1; ; tries++) {
    const { requests, count } = await echoOf(said, unanswered);
    const answer = await requests.echo('/', 'v2');
    if (count() === asked) return answer;
    assert.ok(tries < 5, `${count()} requests instead of ${asked}`);
  }
}

test('an echo is that of the client, of ourselves, of nobody, of another', async () => {
  const seen = async (said: string) => (await echoOf(said, [])).requests.echo('/', 'v2');
  assert.deepEqual(await Promise.all(['192.0.2.77', LOCAL, '', '198.51.100.1'].map(seen)), ['client', 'own', 'empty', 'other']);
});

test('an echo that is not heard once is no mismatch: it may have been the client', async () => {
  assert.equal(await toldBy('192.0.2.77', [0], 4), 'unreachable');
  assert.equal(await toldBy('198.51.100.1', [3], 4), 'unreachable');
  assert.equal(await (await echoOf('', [0, 1, 2, 3])).requests.answer('/'), 'unreachable');
});
