/** Firewall marks of checks: by a rule marked packets come from another address, which is what the servers see. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { genhash } from '../../src/cli/genhash.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { probe } from '../checks/harness.ts';
import { enterOwnNetwork, run } from './harness.ts';

const LIMIT = { timeout: 60_000 };
const MARK = 119;
const PLAIN = '127.0.0.1';
const MARKED = '127.0.0.9';
const seen: string[] = [];
let server: Server;
let datagrams: DatagramSocket;
let port: number;

before(async () => {
  ensure(['iproute2', 'keepalived']);
  enterOwnNetwork();
  // The table of local addresses is asked first, unless it is moved.
  run('ip rule add pref 100 lookup local');
  run('ip rule del pref 0');
  run(`ip rule add pref 10 fwmark ${MARK} lookup 1000`);
  run(`ip route add local 127.0.0.0/8 dev lo src ${MARKED} table 1000`);
  server = createServer((socket) => {
    seen.push(socket.remoteAddress!);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nx'));
  });
  port = await new Promise<number>((resolve) => server.listen(0, PLAIN, () => resolve((server.address() as AddressInfo).port)));
  datagrams = createSocket('udp4', (message, from) => {
    seen.push(from.address);
    datagrams.send(message, from.port, from.address);
  });
  await new Promise<void>((resolve) => datagrams.bind(port, PLAIN, resolve));
}, LIMIT);
after(() => {
  server.close();
  datagrams.close();
});

test('on the sockets of the lane and of the helper', LIMIT, async () => {
  const kinds: [string, object][] = [
    ['tcp', { send: 'x', expect: 'x' }],
    ['http', { urls: [{}, { matches: 'x' }] }],
    ['ssl', {}],
    ['udp', {}],
  ];
  for (const [kind, parameters] of kinds) {
    for (const [mark, from] of [
      [0, PLAIN],
      [MARK + 1, PLAIN],
      [MARK, MARKED],
    ] as const) {
      seen.length = 0;
      await probe(kind, parameters, port, { timeout: 2000, mark });
      assert.deepEqual(new Set(seen), new Set([from]), `${kind} ${mark}`);
    }
  }
});

test('genhash --fwmark, ours and the real one', LIMIT, async () => {
  for (const [mark, from] of [
    [MARK + 1, PLAIN],
    [MARK, MARKED],
  ] as const) {
    const args = ['-s', PLAIN, '-p', String(port), '-u', '/', '-m', String(mark), '-t', '5'];
    seen.length = 0;
    let text = '';
    assert.equal(await genhash(args, { out: (more) => void (text += more), err: () => undefined }), 0);
    // In a process of its own, which this one has to serve meanwhile.
    const { stdout } = await promisify(execFile)('genhash', args, { timeout: 20_000 });
    assert.equal(text, stdout);
    assert.deepEqual(seen, [from, from], String(mark));
  }
});
