import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, probe, tcpServer, udpServer } from './harness.ts';

/** An answer to `question`, without records. */
function answer(question: Buffer, { id = question.readUInt16BE(), flags = 0x8180 } = {}): Buffer {
  const reply = Buffer.from(question);
  reply.writeUInt16BE(id);
  reply.writeUInt16BE(flags, 2);
  return reply;
}

const framed = (message: Buffer) => Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);

test('the question on the wire: id, recursion desired, name, type, class', async () => {
  const seen: string[] = [];
  const port = await udpServer((q) => (seen.push(q.subarray(2).toString('hex')), answer(q)));
  assert.equal(brief(await probe('dns', {}, port)), 'ok match none 0');
  assert.equal(brief(await probe('dns', { name: 'www.example.com', query: 'AAAA' }, port)), 'ok match none 0');
  assert.equal(brief(await probe('dns', { name: 'www.example.com.', query: 'CAA' }, port)), 'ok match none 0');
  const header = '01000001000000000000';
  const name = '03777777076578616d706c6503636f6d00';
  assert.deepEqual(seen, [`${header}0000060001`, `${header}${name}001c0001`, `${header}${name}01010001`]);
});

test('each type of keepalived has its number', async () => {
  const numbers: number[] = [];
  const port = await udpServer((q) => (numbers.push(q.readUInt16BE(q.length - 4)), answer(q)));
  for (const query of ['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'])
    assert.equal((await probe('dns', { query }, port)).outcome, 'ok');
  assert.deepEqual(numbers, [1, 2, 5, 6, 15, 16, 28, 46, 48]);
});

test('an error in the answer is a bad service, with the code', async () => {
  const failing = await udpServer((q) => answer(q, { flags: 0x8182 }));
  assert.equal(brief(await probe('dns', {}, failing)), 'l7 match reply 2');
});

test('a message with another id, or that is no answer, is not taken for one', async () => {
  const other = await udpServer((q) => answer(q, { id: q.readUInt16BE() ^ 1 }));
  assert.equal(brief(await probe('dns', {}, other, { timeout: 100 })), 'timeout response deadline 0');
  const echo = await udpServer((q) => q);
  assert.equal(brief(await probe('dns', {}, echo, { timeout: 100 })), 'timeout response deadline 0');
  const short = await udpServer((q) => answer(q).subarray(0, 11));
  assert.equal(brief(await probe('dns', {}, short, { timeout: 100 })), 'timeout response deadline 0');
});

test('over TCP: the answer may come in pieces, and must come whole', async () => {
  const tcp = { transport: 'tcp', name: 'example.com', query: 'A' };
  const pieces = await tcpServer((s) =>
    s.once('data', (q: Buffer) => {
      const reply = framed(answer(q.subarray(2)));
      s.setNoDelay();
      s.write(reply.subarray(0, 1), () => s.write(reply.subarray(1, 9), () => s.write(reply.subarray(9))));
    }),
  );
  assert.equal(brief(await probe('dns', tcp, pieces)), 'ok match none 0');
  const refused = await tcpServer((s) =>
    s.once('data', (q: Buffer) => s.write(framed(answer(q.subarray(2), { flags: 0x8185 })))),
  );
  assert.equal(brief(await probe('dns', tcp, refused)), 'l7 match reply 5');
  const cut = await tcpServer((s) => s.once('data', (q: Buffer) => s.end(framed(answer(q.subarray(2))).subarray(0, 20))));
  assert.equal(brief(await probe('dns', tcp, cut)), 'l7 response closed 0');
  const foreign = await tcpServer((s) => s.once('data', (q: Buffer) => s.write(framed(answer(q.subarray(2), { id: 1 })))));
  assert.match(brief(await probe('dns', tcp, foreign)), /^l7 response invalid_reply 0$/);
  const tiny = await tcpServer((s) => s.write(Buffer.from([0, 3, 1, 2, 3])));
  assert.equal(brief(await probe('dns', tcp, tiny)), 'l7 response invalid_reply 0');
});

test('names that are none are refused', async () => {
  for (const name of ['a..b', '.a', `${'x'.repeat(64)}.de`, 'a b', ''])
    await assert.rejects(probe('dns', { name }, 53), /domain name|characters/, name);
});
