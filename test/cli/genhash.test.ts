import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { genhash } from '../../src/cli/genhash.ts';
import { printed } from './printed.ts';
import { closedPort, httpServer, tcpServer } from '../checks/harness.ts';

const run = (...argv: readonly string[]) => printed(genhash, argv);

const at = (port: number, path = '/') => ['-s', '127.0.0.1', '-p', String(port), '-u', path];
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

test('the digest of a page, by short and long options', async () => {
  const port = await httpServer((req, res) => res.end(`${req.httpVersion} ${req.headers.host}`));
  assert.deepEqual(await run(...at(port)), { status: 0, out: `${md5(`1.0 127.0.0.1:${port}`)}\n`, err: '' });
  const long = ['--server', '127.0.0.1', '--port', String(port), '--url', '/', '--virtualhost', 'a.test', '--protocol', '1.0c'];
  assert.equal((await run(...long, '--nic', 'lo', '--timeout', '2')).out, `${md5('1.0 a.test')}\n`);
  assert.match((await run(...at(port), '-v', '-V', 'b.test')).out, /^[0-9a-f]{32}\n10 bytes, status 200, [\d.]+ ms\n$/);
  assert.match((await run('--help')).out, /Example: fourlane genhash -s/);
});

test('no digest: refused, in time, cut short', async () => {
  assert.match((await run(...at(await closedPort()))).err, /no digest of 127.0.0.1:\d+\/: ECONNREFUSED/);
  assert.match((await run(...at(await tcpServer()), '-t', '0.1')).err, /raise --timeout/);
  const cut = await tcpServer((s) => s.once('data', () => s.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')));
  assert.deepEqual((await run(...at(cut))).status, 1);
  assert.match((await run(...at(cut))).err, /closed before the page was complete/);
});

test('mistakes name the option', async () => {
  await assert.rejects(run('-s', '127.0.0.1'), /-s, -p and -u are needed/);
  await assert.rejects(run(...at(0)), /found "127.0.0.1" and "0"/);
  await assert.rejects(run('-s', 'web.test', '-p', '80', '-u', '/'), /not a name/);
  await assert.rejects(run(...at(80, 'x')), /--url "x" must begin with \//);
  await assert.rejects(run(...at(80), '-P', '2'), /--protocol "2" is not allowed: one of "1.0"/);
  await assert.rejects(run(...at(80), '-t', 'soon'), /--timeout "soon"|found "soon"/);
});
