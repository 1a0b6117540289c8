import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { exec, execArguments, execEnvironment } from '../../src/act/exec.ts';
import { effectOf, takenOut } from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-exec-'));
after(() => rmSync(folder, { recursive: true }));

const specOf = (command: string[], timeout = 5000) => ({ type: 'exec', command, timeout });
const nic = effectOf({ spec: specOf(['/x']) });
const rs = takenOut(specOf(['/x']));
const perform = (command: string[], effect = nic, timeout?: number) =>
  exec.perform(specOf(command, timeout), [effect], { announce: false, notes: [] });

describe('exec', () => {
  it('runs the command with the documented arguments and nothing but the documented environment', async () => {
    const file = join(folder, 'out');
    const script = 'out=$1; shift; { pwd; printf "%s\\n" "$@"; env | sort; } > "$out"';
    assert.equal(await perform(['/bin/sh', '-c', script, 'sh', file, 'eth2']), 'done');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    assert.deepEqual(lines.slice(0, 6), ['/', 'eth2', 'NIC', 'eth2', 'FAILED', '-']);
    // Without the shell's own, and Node's when coverage is measured.
    const env = lines.slice(6).filter((line) => !/^(?:PWD|_|SHLVL|OLDPWD|NODE_V8_COVERAGE)=/.test(line));
    assert.deepEqual(env, [
      'FOURLANE_CAUSE=link',
      'FOURLANE_CLUSTER=edge-1',
      'FOURLANE_KIND=nic',
      'FOURLANE_NIC=eth2',
      'FOURLANE_REASON=all real servers time out',
      'FOURLANE_SERVER=lb-01',
      'FOURLANE_STATE=failed',
      'FOURLANE_VERDICT=NIC_FAIL',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  });

  it('has arguments for each kind of effect', () => {
    assert.deepEqual(execArguments(rs), ['RS', '10.1.0.1:80', 'DISABLED', 'web']);
    assert.deepEqual(execArguments(effectOf({ spec: nic.spec, kind: 'agent' })), ['AGENT', 'lb-01', 'FAILED', '-']);
    assert.deepEqual(execArguments({ ...rs, kind: 'path' }), ['PATH', '10.1.0.1:80', 'DISABLED', 'web']);
    assert.deepEqual(execArguments(effectOf({ spec: nic.spec, kind: 'slice', service: 'web', state: 'enabled' })), [
      'SLICE',
      'eth2',
      'ENABLED',
      'web',
    ]);
  });

  it('tells service, virtual address, real server and weight in the environment', () => {
    const env = execEnvironment({ ...rs, reason: 'nul \0 byte' });
    assert.equal(env.FOURLANE_REAL_SERVER, '10.1.0.1:80');
    assert.deepEqual([env.FOURLANE_SERVICE, env.FOURLANE_VIP, env.FOURLANE_WEIGHT], ['web', '10.0.0.1:80/tcp', '0']);
    assert.equal(env.FOURLANE_REASON, 'nul  byte');
  });

  it('finds a bare name in the standard PATH', async () => assert.equal(await perform(['true']), 'done'));

  it('fails with the exit status and the last line of output', async () => {
    await assert.rejects(
      perform(['/bin/sh', '-c', 'echo first; echo no route >&2; exit 3']),
      /^Error: \/bin\/sh exited with 3: no route$/,
    );
  });

  it('fails when there is no such program', async () => {
    await assert.rejects(perform(['/nonexistent/x']), /\/nonexistent\/x could not be started: spawn \/nonexistent\/x ENOENT/);
  });

  it('fails when the time is up', async () => {
    await assert.rejects(perform(['/bin/sh', '-c', 'sleep 60'], nic, 50), /did not end within 50 ms and was killed/);
  });
});
