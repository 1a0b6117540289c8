import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Seqpacket } from '../../src/sys/seqpacket.ts';
import { SeqpacketServer } from './seqpacket-server.ts';

const never = new AbortController().signal;
const patient = { signal: never, limitMs: 5000 };
const connecting = { ...patient, maxPacket: 65_536 };
const hasty = { signal: never, limitMs: 3 };

describe('Seqpacket', () => {
  let dir = '';
  let path = '';
  let server: SeqpacketServer | undefined;
  beforeEach(() => {
    dir = mkdtempSync(`${tmpdir()}/seqpacket-`);
    path = `${dir}/s`;
  });
  afterEach(() => {
    server?.close();
    server = undefined;
    rmSync(dir, { recursive: true });
  });

  it('keeps packets apart, in both directions', async () => {
    const got: string[] = [];
    server = new SeqpacketServer(path, {
      accepted: (peer) => {
        peer.send('hello');
        peer.send('world');
      },
      packet: (text, peer) => {
        got.push(text);
        peer.send('x'.repeat(60_000));
      },
    });
    const client = await Seqpacket.connect(path, connecting);
    assert.equal(String(await client.receive(patient)), 'hello');
    assert.equal(String(await client.receive(patient)), 'world');
    assert.equal(client.quiet(), true);
    client.send(Buffer.from('/one'));
    client.send(Buffer.from('/two'));
    assert.equal((await client.receive(patient)).length, 60_000);
    assert.equal((await client.receive(patient)).length, 60_000);
    assert.deepEqual(got, ['/one', '/two']);
    client.close();
    assert.equal(client.quiet(), false);
  });

  it('names what hinders it: no file, nobody listening, another kind of socket, a path too long', async () => {
    await assert.rejects(Seqpacket.connect(path, connecting), { code: 'ENOENT' });
    writeFileSync(path, '');
    await assert.rejects(Seqpacket.connect(path, connecting), { code: 'ECONNREFUSED' });
    server = new SeqpacketServer(path, {});
    server.close();
    await assert.rejects(Seqpacket.connect(path, connecting), { code: 'ECONNREFUSED', message: 'connect: ECONNREFUSED' });
    server = undefined;
    const stream = createServer().listen(`${dir}/stream`);
    await once(stream, 'listening');
    await assert.rejects(Seqpacket.connect(`${dir}/stream`, connecting), { code: 'EPROTOTYPE' });
    stream.close();
    await once(stream, 'close');
    await assert.rejects(Seqpacket.connect(`/${'a'.repeat(120)}`, connecting), { code: 'ENAMETOOLONG' });
    await assert.rejects(Seqpacket.connect('/tmp/a\0b', connecting), { code: 'ENAMETOOLONG' });
  });

  it('waits while the backlog is full, and no longer than told', async () => {
    server = new SeqpacketServer(path, {}, 0);
    server.accepting = false;
    const waiting = await Seqpacket.connect(path, connecting);
    await assert.rejects(Seqpacket.connect(path, { ...connecting, limitMs: 3 }), { code: 'EAGAIN' });
    const second = Seqpacket.connect(path, connecting);
    server.accepting = true;
    (await second).close();
    waiting.close();
  });

  it('gives up at the time limit and when told to, and lets the event loop run meanwhile', async () => {
    server = new SeqpacketServer(path, {});
    const client = await Seqpacket.connect(path, connecting);
    await assert.rejects(client.receive(hasty), { code: 'ETIMEDOUT', message: 'no packet within 3 ms' });
    const abort = new AbortController();
    const given = client.receive({ signal: abort.signal, limitMs: 60_000 });
    let turns = 0;
    const timer = setInterval(() => ++turns === 5 && abort.abort(new Error('enough')), 1);
    await assert.rejects(given, { message: 'enough' });
    clearInterval(timer);
    client.close();
  });

  it('tells that the peer has closed, and that a packet was cut', async () => {
    server = new SeqpacketServer(path, {
      packet: (text, peer) => (text === 'close' ? peer.close() : peer.send('y'.repeat(100))),
    });
    const client = await Seqpacket.connect(path, { ...connecting, maxPacket: 99 });
    client.send(Buffer.from('big'));
    await assert.rejects(client.receive(patient), {
      code: 'EMSGSIZE',
      message: 'a packet of 100 bytes came, 99 are the most expected',
    });
    client.send(Buffer.from('close'));
    await assert.rejects(client.receive(patient), { code: 'EOF' });
    assert.throws(() => client.send(Buffer.from('more')), { code: 'EPIPE' });
    assert.equal(client.quiet(), false);
    client.close();
  });

  it('never touches a descriptor that is closed, whoever has its number now', async () => {
    server = new SeqpacketServer(path, {});
    const client = await Seqpacket.connect(path, connecting);
    const waiting = client.receive(patient);
    client.close();
    const other = await Seqpacket.connect(path, connecting);
    await assert.rejects(waiting, { code: 'EBADF' });
    assert.throws(() => client.send(Buffer.from('x')), { code: 'EBADF' });
    client.close();
    assert.equal(other.quiet(), true);
    other.close();
  });

  it('leaves no descriptor behind when connecting fails', async () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 50; i++) await assert.rejects(Seqpacket.connect(path, connecting));
    // Descriptors of tests before this one may still be closing.
    assert.ok(count() < before + 10);
  });
});
