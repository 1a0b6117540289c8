import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { brief, closedPort, httpServer, probe, tcpServer } from './harness.ts';

const pem = (name: string) => new URL(`../fixtures/tls/${name}.pem`, import.meta.url);
const names: (string | false | undefined)[] = [];
const server = createServer({ key: readFileSync(pem('key')), cert: readFileSync(pem('cert')) }, (req, res) => {
  names.push((req.socket as unknown as { servername: string | false }).servername);
  res.statusCode = req.url === '/500' ? 500 : 200;
  res.end('secret');
});
after(() => server.close());
const port = await new Promise<number>((resolve) =>
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
);
server.on('tlsClientError', () => undefined);

const slow = { timeout: 3000 };

test('without verification a self-signed certificate is fine, and its expiry is told', async () => {
  const seen = await probe('ssl', { contains: 'secret' }, port, slow);
  assert.equal(brief(seen), 'ok match none 0');
  assert.ok(seen.rttUs > 0);
  assert.ok(seen.certificateNotAfterMs! > Date.parse('2100-01-01'));
});

test('verification: unknown issuer, right CA, wrong name', async () => {
  const ca = pem('cert').pathname;
  assert.equal(brief(await probe('ssl', { verify: true, sni: 'web.test' }, port, slow)), 'l7 tls certificate 0');
  assert.equal(brief(await probe('ssl', { verify: true, sni: 'web.test', ca }, port, slow)), 'ok match none 0');
  assert.equal(brief(await probe('ssl', { verify: true, host: 'other.test', ca }, port, slow)), 'l7 tls certificate 0');
});

test('SNI is the host, if it is a name', async () => {
  names.length = 0;
  await probe('ssl', { host: 'web.test:8443' }, port, slow);
  await probe('ssl', { host: '10.0.0.1' }, port, slow);
  assert.deepEqual(names, ['web.test', false]);
});

test('several pages: each with a connection and a server name of its own; no name with sni: false', async () => {
  names.length = 0;
  const urls = [{ host: 'a.test', contains: 'secret' }, { host: 'b.test', matches: '^s' }, {}];
  assert.equal(brief(await probe('ssl', { urls }, port, slow)), 'ok match none 0');
  assert.deepEqual(names, ['a.test', 'b.test', false]);
  assert.equal(brief(await probe('ssl', { urls: [{}, { path: '/500' }] }, port, slow)), 'l7 match status 500');
  assert.equal((await probe('ssl', { host: 'a.test', sni: false }, port, slow)).outcome, 'ok');
  assert.equal(names.at(-1), false);
});

test('a missing CA file is our own trouble', async () => {
  assert.equal(brief(await probe('ssl', { ca: '/nonexistent.pem' }, port, slow)), 'local_error tls certificate 0');
});

test('status, plain HTTP behind the port, silence, refusal', async () => {
  assert.equal(brief(await probe('ssl', { path: '/500' }, port, slow)), 'l7 match status 500');
  assert.equal(brief(await probe('ssl', {}, await httpServer((_, res) => res.end()), slow)), 'l7 tls tls 0');
  assert.equal(brief(await probe('ssl', {}, await tcpServer(), { timeout: 200 })), 'l7 tls deadline 0');
  assert.equal(brief(await probe('ssl', {}, await closedPort(), slow)), 'refused connect errno 111');
});
