import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { type Framing, UnixDialogue } from '../../src/sys/unix-dialogue.ts';
import { SocketError } from '../../src/sys/unix-socket.ts';
import { until } from '../../src/lab/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-dialogue-'));
after(() => rmSync(folder, { recursive: true }));
const ever = new AbortController().signal;
const PATIENCE = { signal: ever, limitMs: 1000 };

/** An answer ends with its first dot. */
class Dotted implements Framing {
  take(piece: Buffer): number | undefined {
    const at = piece.indexOf('.');
    return at < 0 ? undefined : at + 1;
  }
}
const OPTIONS = { framing: () => new Dotted(), most: 100 };

let count = 0;
async function serving(serve: (client: Socket, request: string) => unknown, greeting = '') {
  const path = join(folder, String(count++));
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.on('data', (request: Buffer) => serve(client, request.toString()));
    if (greeting !== '') client.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  after(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  return { dialogue: UnixDialogue.connect(path, OPTIONS), clients };
}

const fails = (promise: Promise<unknown>, code: string) =>
  assert.rejects(promise, (error: unknown) => error instanceof SocketError && error.code === code);

describe('UnixDialogue', () => {
  it('asks again and again on one connection, and takes answers in pieces', async () => {
    const { dialogue, clients } = await serving((client, request) => {
      client.write(`you asked ${request}`);
      void setImmediate().then(() => client.write(' twice.'));
    });
    for (const word of ['a', 'b']) assert.equal((await dialogue.ask(word, PATIENCE)).toString(), `you asked ${word} twice.`);
    assert.equal(clients.size, 1);
    dialogue.close();
  });

  it('waits for a greeting when nothing is asked', async () => {
    const { dialogue } = await serving(() => undefined, 'hello.');
    assert.equal((await dialogue.ask('', PATIENCE)).toString(), 'hello.');
    dialogue.close();
  });

  it('has one question at a time', async () => {
    const { dialogue } = await serving(() => undefined);
    const first = dialogue.ask('a', PATIENCE);
    await fails(dialogue.ask('b', PATIENCE), 'EBUSY');
    dialogue.close();
    await fails(first, 'EBADF');
  });

  it('sends questions together, and takes the answers in that order wherever they are cut', async () => {
    const answers = ['first.', '.', `${'x'.repeat(80)}.`, 'last.'];
    const all = answers.join('');
    const cuts = [[], [6], [3], [7, 8, 9], [all.length - 1], Array.from({ length: all.length - 1 }, (_, k) => k + 1)];
    for (const cut of cuts) {
      const { dialogue, clients } = await serving(async (client, request) => {
        assert.equal(request, 'abcd');
        for (const [k, at] of [0, ...cut].entries()) {
          client.write(all.slice(at, cut[k]));
          await setImmediate();
        }
      });
      const got = await dialogue.askAll(['a', 'b', 'c', 'd'], PATIENCE);
      assert.deepEqual(
        got.map((answer) => answer.toString()),
        answers,
        cut.join(),
      );
      for (const client of clients) client.write('e.');
      await until('it has ended', 1000, () => !dialogue.usable);
    }
  });

  it('gives each of several answers its time, and none when one is late or too much comes', async () => {
    const slow = await serving(async (client) => {
      for (const answer of ['a.', 'b.', 'c.']) {
        await sleep(400);
        client.write(answer);
      }
    });
    const got = await slow.dialogue.askAll(['1', '2', '3'], PATIENCE);
    assert.equal(Buffer.concat(got).toString(), 'a.b.c.');
    const half = await serving((client) => client.write('a.b'));
    await fails(half.dialogue.askAll(['1', '2'], { signal: ever, limitMs: 30 }), 'ETIMEDOUT');
    const more = await serving((client) => client.write('a.b.c'));
    await fails(more.dialogue.askAll(['1', '2'], PATIENCE), 'EPROTO');
    assert.ok(!more.dialogue.usable);
  });

  it('ends when an answer is late, too long, followed by more, or comes unasked', async () => {
    const silent = await serving(() => undefined);
    await fails(silent.dialogue.ask('a', { signal: ever, limitMs: 30 }), 'ETIMEDOUT');
    assert.ok(!silent.dialogue.usable);
    await fails(silent.dialogue.ask('b', PATIENCE), 'ETIMEDOUT');
    const long = await serving((client) => client.write('x'.repeat(200)));
    await fails(long.dialogue.ask('a', PATIENCE), 'EMSGSIZE');
    const more = await serving((client) => client.write('one. two'));
    await fails(more.dialogue.ask('a', PATIENCE), 'EPROTO');
    const unasked = await serving((client) => client.write('one.'));
    await unasked.dialogue.ask('a', PATIENCE);
    for (const client of unasked.clients) client.write('another.');
    await until('it has ended', 1000, () => !unasked.dialogue.usable);
  });

  it('ends with the peer, and with its signal', async () => {
    const ended = await serving((client) => client.end());
    await fails(ended.dialogue.ask('a', PATIENCE), 'EOF');
    const abort = new AbortController();
    const silent = await serving(() => undefined);
    const asked = silent.dialogue.ask('a', { signal: abort.signal, limitMs: 1000 });
    abort.abort(new Error('enough'));
    await assert.rejects(asked, /enough/);
  });

  it('leaves no descriptor when nobody listens', () => {
    const before = readdirSync('/proc/self/fd').length;
    assert.throws(() => UnixDialogue.connect(join(folder, 'none'), OPTIONS), { code: 'ENOENT' });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});
