import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { brief, probe, udpServer } from './harness.ts';

test('payload and expected reply, text and hex, both families', async () => {
  const echo = (m: Buffer) => Buffer.concat([Buffer.from('re:'), m]);
  assert.equal(brief(await probe('udp', { payload: 'a\\x00b', expect: 're:a\\x00b' }, await udpServer(echo))), 'ok match none 0');
  assert.equal(brief(await probe('udp', { payloadHex: 'ff00', expectHex: '3aff00' }, await udpServer(echo))), 'ok match none 0');
  assert.equal(brief(await probe('udp', { payload: 'x' }, await udpServer(echo, 'udp6'), { ip: '::1' })), 'ok match none 0');
  assert.equal(brief(await probe('udp', { payload: 'x', expect: 'nope' }, await udpServer(echo))), 'l7 match body 0');
});

test('an empty reply is a reply', async () => {
  assert.equal((await probe('udp', {}, await udpServer(() => Buffer.alloc(0)))).outcome, 'ok');
});

test('silence', async () => {
  const port = await udpServer(() => undefined);
  assert.equal(brief(await probe('udp', { payload: 'x' }, port, { timeout: 100 })), 'timeout response deadline 0');
  assert.equal(brief(await probe('udp', { payload: 'x', requireReply: false }, port, { timeout: 100 })), 'ok match none 0');
});

test('ICMP port unreachable from the real server is a refusal', async () => {
  const socket = createSocket('udp4');
  const port = await new Promise<number>((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)));
  await new Promise<void>((resolve) => socket.close(resolve));
  assert.equal(brief(await probe('udp', { payload: 'x' }, port)), 'refused connect errno 111');
});

test('bytes from the first one on, with wildcards; a shorter reply as far as it goes', async () => {
  const port = await udpServer((m) => m);
  const reply = async (payloadHex: string, replyHex: string) => brief(await probe('udp', { payloadHex, replyHex }, port));
  assert.equal(await reply('a1b2c3', 'a1b2'), 'ok match none 0');
  assert.equal(await reply('a1b2c3', 'xxB2'), 'ok match none 0');
  assert.equal(await reply('a1b2c3', 'ax2xXX'), 'l7 match body 0');
  assert.equal(await reply('a1b2c3', 'axbxcx'), 'ok match none 0');
  assert.equal(await reply('00a1', 'a1'), 'l7 match body 0');
  assert.equal(await reply('a1', 'a1b2'), 'ok match none 0');
});

test('length of the reply', async () => {
  const port = await udpServer((m) => m);
  const reply = async (limits: object) => brief(await probe('udp', { payload: 'four', ...limits }, port));
  assert.equal(await reply({ minReply: 4, maxReply: 4 }), 'ok match none 0');
  assert.equal(await reply({ minReply: 5 }), 'l7 match length 4');
  assert.equal(await reply({ maxReply: 3 }), 'l7 match length 4');
  await assert.rejects(reply({ minReply: 5, maxReply: 4 }), /is 5, more than maxReply, 4/);
  await assert.rejects(reply({ replyHex: '0g' }), /x for any digit/);
});

test('the two notations exclude each other', async () => {
  await assert.rejects(probe('udp', { payload: 'a', payloadHex: '00' }, 1), /exclude/);
  await assert.rejects(probe('udp', { expect: 'a', expectHex: '00' }, 1), /exclude/);
});
