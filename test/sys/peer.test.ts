import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { peerOf } from '../../src/sys/peer.ts';
import { UnixExchange } from '../../src/sys/unix-exchange.ts';

const NOBODY = 65_534;
const dir = mkdtempSync(join(tmpdir(), 'fourlane-peer-'));
chmodSync(dir, 0o755);
after(() => rmSync(dir, { recursive: true }));

/** A server of uid 65534 that answers everything with `0123`. */
async function stranger(path: string) {
  const answer = '(s) => s.on("error", () => {}).end("0123")';
  const script = `require("net").createServer(${answer}).listen(process.argv[1], () => console.log("up"))`;
  const child = spawn(process.execPath, ['-e', script, path], { uid: NOBODY, gid: NOBODY, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

const shape = { head: 4, most: 4, length: () => 4 };
const ask = (path: string) => new UnixExchange(path).ask(Buffer.from('?'), shape, new AbortController().signal, 2000);

describe('peers of unix sockets', () => {
  it('are who the kernel says', async () => {
    const path = join(dir, 'own');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const client = connect(path);
    const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
    assert.deepEqual(peerOf(socket), { pid: process.pid, uid: process.geteuid!(), gid: process.getegid!() });
    client.destroy();
    server.close();
  });

  it('who are strangers are not believed, unless the directory is theirs alone', { skip: process.getuid?.() !== 0 }, async () => {
    const path = join(dir, 'theirs', 'socket');
    const folder = join(dir, 'theirs');
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const child = await stranger(path);
    try {
      await assert.rejects(ask(path), (error: Error & { code: string }) => {
        assert.equal(error.code, 'EPERM');
        assert.match(error.message, new RegExp(`process ${child.pid} of uid 65534 listens there, who is neither root nor`));
        return true;
      });
      chownSync(folder, NOBODY, NOBODY);
      await assert.rejects(ask(path), { code: 'EPERM' }, 'others can write there too');
      chmodSync(folder, 0o755);
      assert.equal(String(await ask(path)), '0123');
    } finally {
      child.kill();
    }
  });
});
