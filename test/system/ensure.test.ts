import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { ensure, present } from '../../src/lab/ensure.ts';

const NONE = { 'fourlane-no-such-package': 'fourlane-no-such-program' };

test('what is there is left alone: no apt-get, no output', () => {
  ensure(['iproute2', 'libc'], { iproute2: 'ip', libc: '/etc/os-releas*' });
});

test('a package that nobody told how to probe is a mistake of the caller', () => {
  assert.throws(() => present('fourlane-no-such-package'), /has no probe.*PROBES/);
});

const isRoot = process.getuid?.() === 0;

test('without root: throws with the one line to run, also under CI', () => {
  const script = `import { ensure } from './src/lab/ensure.ts'; ensure(['fourlane-no-such-package'], ${JSON.stringify(NONE)});`;
  const drop = isRoot ? ['setpriv', '--reuid', '65534', '--clear-groups'] : [];
  const argv = [...drop, process.execPath, '--input-type=module', '-e', script];
  const options = { encoding: 'utf8', cwd: new URL('../..', import.meta.url), env: { ...process.env, CI: 'true' } } as const;
  const run = spawnSync(argv[0]!, argv.slice(1), options);
  assert.notEqual(run.status, 0);
  assert.match(run.stderr, /Run as root: apt-get update && apt-get install -y --no-install-recommends fourlane-no-such-package/);
});

test('what cannot be installed is an error, not a silent skip', () => {
  const message = isRoot ? /could not install fourlane-no-such-package/ : /missing: fourlane-no-such-package/;
  assert.throws(() => ensure(['fourlane-no-such-package'], NONE), message);
});
