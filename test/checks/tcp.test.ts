import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, closedPort, probe, tcpServer } from './harness.ts';

test('a handshake is enough, and the kernel measured it', async () => {
  const seen = await probe('tcp', {}, await tcpServer());
  assert.equal(brief(seen), 'ok connect none 0');
  assert.ok(seen.rttUs > 0 && seen.rttUs < 100_000);
});

test('IPv6', async () => {
  assert.equal(brief(await probe('tcp', {}, await tcpServer(undefined, '::1'), { ip: '::1' })), 'ok connect none 0');
});

test('a refusal', async () => {
  assert.equal(brief(await probe('tcp', {}, await closedPort())), 'refused connect errno 111');
});

test('a device that does not exist is the NIC, not the real server', async () => {
  assert.equal(brief(await probe('tcp', {}, 1, { device: 'nosuch0' })), 'netdown start errno 19');
});

test('a connection reset right after the handshake is still a handshake', async () => {
  const port = await tcpServer((s) => s.resetAndDestroy());
  for (let i = 0; i < 5; i++) assert.equal((await probe('tcp', {}, port)).outcome, 'ok');
});

test('send and expect, with escapes', async () => {
  const port = await tcpServer((s) =>
    s.once('data', (d: Buffer) => s.write(d.equals(Buffer.from('PING\r\n\x01')) ? '+PO' : '-ERR', () => s.write('NG\r\n'))),
  );
  assert.equal(brief(await probe('tcp', { send: 'PING\\r\\n\\x01', expect: '+PONG' }, port)), 'ok match none 0');
  assert.equal(brief(await probe('tcp', { send: 'PING\\r\\n\\x01', expect: '+GNOP' }, port)), 'l7 response deadline 0');
});

test('expect without send reads a banner', async () => {
  const port = await tcpServer((s) => s.write('220 mail ready\r\n'));
  assert.equal((await probe('tcp', { expect: '220 ' }, port)).outcome, 'ok');
});

test('the peer closes before the expected text', async () => {
  assert.equal(brief(await probe('tcp', { expect: 'x' }, await tcpServer((s) => s.end()))), 'l7 response closed 0');
  assert.equal(brief(await probe('tcp', { expect: 'x' }, await tcpServer((s) => s.end('abc')))), 'l7 response body 0');
});

test('too much text without the expected one', async () => {
  const port = await tcpServer((s) => s.write('y'.repeat(200_000)));
  assert.equal(brief(await probe('tcp', { expect: 'x' }, port, { timeout: 2000 })), 'l7 response too_large 0');
});

test('PROXY protocol headers are what a health check must send', async () => {
  const got: Buffer[] = [];
  const port = await tcpServer((s) => s.once('data', (d: Buffer) => (got.push(d), s.write('hello'))));
  await probe('tcp', { proxyProtocol: 'v1', expect: 'hello' }, port);
  await probe('tcp', { proxyProtocol: 'v2', send: 'x', expect: 'hello' }, port);
  assert.equal(got[0]!.toString('latin1'), 'PROXY UNKNOWN\r\n');
  assert.equal(got[1]!.toString('hex'), '0d0a0d0a000d0a515549540a2000000078');
  const clients = ['v1', 'v2'].map((version) => ({ proxyProtocol: { version, as: 'client' }, expect: 'hello' }));
  for (const client of clients) await probe('tcp', client, port);
  assert.equal(got[2]!.toString('latin1'), 'PROXY TCP4 192.0.2.77 192.0.2.1 40077 80\r\n');
  assert.equal(got[3]!.toString('hex'), '0d0a0d0a000d0a515549540a2111000cc000024dc00002019c8d0050');
});

test('a wrong escape is refused by the schema', async () => {
  await assert.rejects(probe('tcp', { send: '\\q' }, 1), /wrong escape/);
});
