/** The digests of `fourlane genhash` and those of the real genhash, of the same pages on the same servers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { genhash } from '../../src/cli/genhash.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { probe } from '../checks/harness.ts';
import { enterOwnNetwork } from './harness.ts';

const exec = promisify(execFile);
const LIMIT = { timeout: 60_000 };
const large = 'a line of a large page\n'.repeat(200_000);
const binary = randomBytes(300_000);

/** Pages by path. */
const PAGES: Readonly<Record<string, RequestListener>> = {
  '/plain': (_, res) => res.setHeader('Content-Length', 6).end('hello\n'),
  '/chunked': (_, res) => {
    res.write('one piece, ');
    setTimeout(() => res.end('and another'), 20);
  },
  '/empty': (_, res) => res.setHeader('Content-Length', 0).end(),
  '/large': (_, res) => res.setHeader('Content-Length', large.length).end(large),
  '/binary': (_, res) => res.setHeader('Content-Length', binary.length).end(binary),
  '/no-length': (_, res) => {
    res.useChunkedEncodingByDefault = false;
    res.removeHeader('Transfer-Encoding');
    res.setHeader('Connection', 'close');
    res.write('until the connection ');
    setTimeout(() => res.end('is closed'), 20);
  },
  '/host': (req, res) => res.end(`for ${req.headers.host}`),
  '/404': (_, res) => res.writeHead(404, { 'Content-Length': 7 }).end('missing'),
};
const serve: RequestListener = (req, res) => PAGES[req.url!]!(req, res);

const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
const servers: Record<'clear' | 'secure', Server> = {
  clear: createServer(serve),
  secure: createSecureServer({ key: pem('key'), cert: pem('cert') }, serve),
};
const ports = { clear: 0, secure: 0 };

before(async () => {
  ensure(['keepalived']);
  enterOwnNetwork();
  for (const name of ['clear', 'secure'] as const)
    ports[name] = await new Promise<number>((resolve) =>
      servers[name].listen(0, '127.0.0.1', () => resolve((servers[name].address() as AddressInfo).port)),
    );
}, LIMIT);
after(() => {
  for (const server of Object.values(servers)) server.close();
});

async function real(args: readonly string[]): Promise<string> {
  const { stdout } = await exec('genhash', args, { timeout: 20_000 });
  return stdout.trim();
}

async function ours(args: readonly string[]): Promise<string> {
  let text = '';
  const code = await genhash(args, { out: (more) => void (text += more), err: (more) => void (text += more) });
  return code === 0 ? text.trim() : `exit ${code}: ${text}`;
}

const rows: string[] = [];

for (const over of ['clear', 'secure'] as const) {
  for (const protocol of ['1.0', '1.0c', '1.1']) {
    test(`${over}, HTTP/${protocol}: every page has the digest of genhash, and the check with it is good`, LIMIT, async () => {
      for (const path of Object.keys(PAGES)) {
        const args = ['-s', '127.0.0.1', '-p', String(ports[over]), '-u', path, '-P', protocol, '-t', '5'];
        if (over === 'secure') args.push('-S');
        if (path === '/host') args.push('-V', 'web.test');
        const [theirs, own] = [await real(args), await ours(args)];
        assert.match(theirs, /^[0-9a-f]{32}$/, path);
        assert.equal(own, theirs, path);
        const check = {
          path,
          digest: theirs,
          protocol: protocol.toUpperCase(),
          status: path === '/404' ? 404 : 200,
          maxBody: 8 << 20,
          ...(path === '/host' ? { host: 'web.test' } : {}),
        };
        const seen = await probe(over === 'clear' ? 'http' : 'ssl', check, ports[over], { timeout: 5000 });
        assert.equal(seen.outcome, 'ok', path);
        rows.push(`${over.padEnd(6)} ${protocol.padEnd(4)} ${path.padEnd(10)} ${theirs} ${own}`);
      }
    });
  }
}

test('the table of all digests', () => {
  console.log(`over   HTTP page       ${'genhash'.padEnd(32)} fourlane genhash\n${rows.join('\n')}`);
  assert.equal(rows.length, 2 * 3 * Object.keys(PAGES).length);
});
