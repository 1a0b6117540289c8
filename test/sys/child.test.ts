import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type CommandOptions, runCommand } from '../../src/sys/child.ts';

const sh = (script: string, options: Partial<CommandOptions> = {}) =>
  runCommand(['/bin/sh', '-c', script], { env: { PATH: '/usr/bin:/bin' }, timeoutMs: 5000, ...options });

/** Whether a process runs; one that is dead but not yet reaped by init does not. */
function alive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + 5000;
  while (alive(pid) && Date.now() < deadline) await new Promise(setImmediate);
  assert.ok(!alive(pid), `process ${pid} is still there`);
}

describe('runCommand', () => {
  it('reports exit status and output of both streams', async () => {
    const run = await sh('echo out; echo err >&2; exit 7');
    assert.deepEqual([run.ended, run.exitCode, run.signal], ['exit', 7, '']);
    assert.match(run.output, /out/);
    assert.match(run.output, /err/);
    assert.ok(run.elapsedMs > 0 && run.elapsedMs < 5000);
  });

  it('passes exactly the environment given, and no standard input', async () => {
    const run = await runCommand(['/usr/bin/env'], { env: { A: 'b c', PATH: '/bin' }, timeoutMs: 5000 });
    const lines = run.output.trim().split('\n').sort();
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('NODE_V8_COVERAGE=')), // Node's own, when coverage is measured
      ['A=b c', 'PATH=/bin'],
    );
    assert.equal((await sh('cat')).exitCode, 0);
  });

  it('uses no shell', async () => {
    const run = await runCommand(['/bin/echo', '$HOME; exit 3', '`id`'], { env: {}, timeoutMs: 5000 });
    assert.equal(run.output, '$HOME; exit 3 `id`\n');
  });

  it('keeps only so much output, but lets the command end', async () => {
    const run = await sh(
      'i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 2',
      { maxOutput: 100 },
    );
    assert.deepEqual([run.exitCode, run.output.length], [2, 100]);
  });

  it('reports death by a signal', async () => {
    const run = await sh('kill -9 $$');
    assert.deepEqual([run.ended, run.signal, run.exitCode], ['signal', 'SIGKILL', -1]);
    assert.equal(run.summary, 'was ended by SIGKILL');
  });

  it('kills the whole group when the time is up', async () => {
    const run = await sh('sleep 60 & echo $!; sleep 60', { timeoutMs: 100, killGraceMs: 50 });
    assert.equal(run.ended, 'timeout');
    await gone(Number(run.output));
  });

  it('kills what ignores SIGTERM, also when the leader went at once', async () => {
    const stubborn = '/bin/sh -c \'trap "" TERM; echo $$; while :; do sleep 0.05; done\' &';
    const run = await sh(`${stubborn} wait`, { timeoutMs: 200, killGraceMs: 50 });
    assert.equal(run.ended, 'timeout');
    await gone(Number(run.output));
  });

  it('does not wait for what runs on in the background, and leaves it alone', async () => {
    const run = await sh('sleep 60 & echo $!', { timeoutMs: 5000 });
    assert.deepEqual([run.ended, run.exitCode], ['exit', 0]);
    assert.ok(run.elapsedMs < 3000);
    const pid = Number(run.output);
    assert.ok(alive(pid));
    process.kill(pid, 'SIGKILL');
  });

  it('can be cancelled, also before it began', async () => {
    const controller = new AbortController();
    const running = sh('sleep 60', { signal: controller.signal, killGraceMs: 50 });
    controller.abort();
    assert.equal((await running).ended, 'cancelled');
    assert.equal((await sh('sleep 60', { signal: controller.signal, killGraceMs: 50 })).ended, 'cancelled');
  });

  it('says why a program could not be started', async () => {
    for (const program of ['/nonexistent', '/etc/passwd', 'nul\0byte']) {
      const run = await runCommand([program], { env: {}, timeoutMs: 5000 });
      assert.equal(run.ended, 'spawn', program);
      assert.match(run.summary, /^could not be started: /);
    }
  });
});
