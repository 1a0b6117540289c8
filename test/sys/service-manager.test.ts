import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bind, close, MSG_DONTWAIT, recv, SOCK_DGRAM, socket } from '../../src/sys/libc.ts';
import { notifyManager } from '../../src/sys/service-manager.ts';
import { AF_UNIX, sockaddrUn } from '../../src/sys/unix-socket.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-notify-'));
after(() => rmSync(dir, { recursive: true }));

/** A datagram socket as systemd has it; `receive` returns what has come, or undefined. */
function manager(path: string) {
  const address = sockaddrUn(path);
  if (path.startsWith('@')) address[2] = 0;
  const fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  assert.equal(bind(fd, address, 2 + path.length + (path.startsWith('@') ? 0 : 1)), 0);
  const buffer = Buffer.alloc(100);
  return {
    receive: () => {
      const length = recv(fd, buffer, buffer.length, MSG_DONTWAIT);
      return length < 0 ? undefined : buffer.toString('latin1', 0, length);
    },
    close: () => close(fd),
  };
}

describe('notifyManager', () => {
  for (const [kind, path] of [
    ['a path', join(dir, 'notify')],
    ['an abstract name', `@fourlane-test-${process.pid}`],
  ] as const) {
    it(`reports to ${kind}`, () => {
      const systemd = manager(path);
      notifyManager('READY=1', path);
      assert.equal(systemd.receive(), 'READY=1');
      notifyManager('STOPPING=1', path);
      assert.equal(systemd.receive(), 'STOPPING=1');
      systemd.close();
    });
  }

  it('without a socket in the environment nobody is asked; a socket that nobody has is an error', () => {
    notifyManager('READY=1', '');
    assert.throws(() => notifyManager('READY=1', join(dir, 'nobody')), { code: 'ENOENT' });
    assert.throws(() => notifyManager('READY=1', `@fourlane-nobody-${process.pid}`), { code: 'ECONNREFUSED' });
  });
});
