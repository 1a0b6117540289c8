import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathsMatching } from '../../src/sys/glob.ts';
import { networkOf, processesNamed } from '../../src/sys/process.ts';

describe('processes by program', () => {
  it('are found by their first argument, with arguments and network namespace', async () => {
    const child = spawn('/bin/cat', [], { argv0: '/opt/fourlane-test-program', stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.write('up\n');
    await once(child.stdout, 'data');
    const here = await networkOf('self');
    assert.match(here, /^net:\[\d+\]$/);
    assert.deepEqual(await processesNamed('fourlane-test-program'), [
      { pid: child.pid, argv: ['/opt/fourlane-test-program'], network: here, uid: process.getuid!() },
    ]);
    child.stdin.end();
    await once(child, 'exit');
    assert.deepEqual(await processesNamed('fourlane-test-program'), []);
    assert.equal(await networkOf(child.pid!), '');
  });
});

describe('paths by pattern', () => {
  it('are sorted, may be none, and are not more than asked for', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fourlane-glob-'));
    try {
      for (const name of ['b.conf', 'a.conf', 'c.txt']) writeFileSync(join(dir, name), '');
      assert.deepEqual(await pathsMatching(`${dir}/*.conf`, 10), [join(dir, 'a.conf'), join(dir, 'b.conf')]);
      assert.deepEqual(await pathsMatching(`${dir}/c.txt`, 10), [join(dir, 'c.txt')]);
      assert.deepEqual(await pathsMatching(`${dir}/none*`, 10), []);
      assert.equal((await pathsMatching(`${dir}/*`, 2)).length, 2);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
