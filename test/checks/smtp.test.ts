import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { brief, probe, tcpServer } from './harness.ts';

/** Speaks lines: the greeting, then what `replies` has for the first word of each command. @returns its port */
function mailServer(greeting: string, replies: Readonly<Record<string, string>>, heard: string[] = []): Promise<number> {
  return tcpServer((socket) => {
    socket.write(greeting);
    serve(socket, replies, heard);
  });
}

function serve(socket: Socket, replies: Readonly<Record<string, string>>, heard: string[]): void {
  socket.on('data', (data: Buffer) => {
    for (const line of data.toString().split('\r\n').slice(0, -1)) {
      heard.push(line);
      const reply = replies[line.split(' ')[0]!];
      if (reply !== undefined) socket.write(reply);
    }
  });
  socket.on('error', () => undefined);
}

const GOOD = { HELO: '250 mail.test\r\n', QUIT: '221 bye\r\n' };

test('greeting, HELO with the name, QUIT', async () => {
  const heard: string[] = [];
  const port = await mailServer('220 mail.test ESMTP\r\n', GOOD, heard);
  assert.equal(brief(await probe('smtp', { helo: 'lb-01.example' }, port)), 'ok match none 0');
  assert.deepEqual(heard, ['HELO lb-01.example', 'QUIT']);
});

test('replies of several lines, in pieces, with bare line feeds', async () => {
  const replies = { HELO: '250-mail.test\n250-SIZE 1\n250 HELP\n', QUIT: '221-so\r\n221 long\r\n' };
  const port = await tcpServer((socket) => {
    socket.setNoDelay();
    socket.write('220-welco', () => socket.write('me\r\n220 ready\r\n'));
    serve(socket, replies, []);
  });
  assert.equal(brief(await probe('smtp', {}, port)), 'ok match none 0');
});

test('any answer to QUIT is a farewell, silence is none', async () => {
  assert.equal((await probe('smtp', {}, await mailServer('220 x\r\n', { ...GOOD, QUIT: '500 what\r\n' }))).outcome, 'ok');
  const silent = await mailServer('220 x\r\n', { HELO: GOOD.HELO });
  assert.equal(brief(await probe('smtp', {}, silent, { timeout: 100 })), 'l7 response deadline 0');
});

test('another code is a bad service, with the code', async () => {
  assert.equal(brief(await probe('smtp', {}, await mailServer('554 go away\r\n', GOOD))), 'l7 match reply 554');
  assert.equal(brief(await probe('smtp', {}, await mailServer('220 x\r\n', { HELO: '501 no\r\n' }))), 'l7 match reply 501');
});

test('what is not SMTP: no code, codes that change in a reply, a reply too many, too much, silence, an early end', async () => {
  const greet = async (text: string) => brief(await probe('smtp', {}, await mailServer(text, GOOD), { timeout: 150 }));
  assert.equal(await greet('hello\r\n'), 'l7 response invalid_reply 0');
  assert.equal(await greet('220-a\r\n250 b\r\n'), 'l7 response invalid_reply 0');
  assert.equal(await greet('220 a\r\n250 b\r\n'), 'l7 response invalid_reply 0');
  assert.equal(await greet(`220-${'x'.repeat(20_000)}`), 'l7 response too_large 0');
  assert.equal(await greet('220 no line end'), 'l7 response deadline 0');
  assert.equal(brief(await probe('smtp', {}, await tcpServer((s) => s.end()))), 'l7 response closed 0');
});

const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
const TLS_REPLIES = { EHLO: '250-mail.test\r\n250 STARTTLS\r\n', STARTTLS: '220 go\r\n', QUIT: '221 bye\r\n' };

/** Becomes TLS after STARTTLS. */
function secureServer(replies: Readonly<Record<string, string>>, heard: string[]): Promise<number> {
  return tcpServer((socket) => {
    socket.write('220 mail.test\r\n');
    const clear = (data: Buffer) => {
      const word = data.toString().trim().split(' ')[0]!;
      heard.push(word);
      socket.write(replies[word] ?? '500 what\r\n');
      if (word !== 'STARTTLS' || !replies[word]!.startsWith('220')) return;
      socket.off('data', clear);
      const inside = new TLSSocket(socket, { isServer: true, key: pem('key'), cert: pem('cert') });
      serve(inside, replies, heard);
    };
    socket.on('data', clear);
  });
}

test('STARTTLS, then EHLO and QUIT inside, with verification', async () => {
  const slow = { timeout: 3000 };
  const heard: string[] = [];
  const port = await secureServer(TLS_REPLIES, heard);
  const seen = await probe('smtp', { startTls: true }, port, slow);
  assert.equal(brief(seen), 'ok match none 0');
  assert.ok(seen.certificateNotAfterMs! > Date.parse('2100-01-01'));
  assert.deepEqual(heard, ['EHLO', 'STARTTLS', 'EHLO fourlane.invalid', 'QUIT']);
  const ca = new URL('../fixtures/tls/cert.pem', import.meta.url).pathname;
  assert.equal((await probe('smtp', { startTls: true, verify: true, sni: 'web.test', ca }, port, slow)).outcome, 'ok');
  const wrongName = { startTls: true, verify: true, sni: 'other.test', ca };
  assert.equal(brief(await probe('smtp', wrongName, port, slow)), 'l7 tls certificate 0');
  const without = await secureServer({ ...TLS_REPLIES, STARTTLS: '454 no TLS today\r\n' }, []);
  assert.equal(brief(await probe('smtp', { startTls: true }, without, slow)), 'l7 match reply 454');
  const hangs = await tcpServer((s) => s.write('220 x\r\n'));
  assert.equal(brief(await probe('smtp', { startTls: true }, hangs, { timeout: 200 })), 'l7 response deadline 0');
});

test('parameters of TLS without startTls are a mistake, as is a name with a blank', async () => {
  await assert.rejects(probe('smtp', { verify: true }, 25), /startTls: true/);
  await assert.rejects(probe('smtp', { helo: 'a b' }, 25), /without blanks/);
});
