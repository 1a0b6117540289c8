/** The examples of the linter's rules against `keepalived -t` itself. In a network of its own; needs root. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RULES } from '../../src/keepalived/lint/rules.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork, run } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'fourlane-lint-'));
/** Errors on which keepalived 2.2.7 says nothing: why there is a linter. */
const SILENT = new Set([
  'host-address-not-local',
  'host-peer-is-local',
  'host-program',
  'include-quoted',
  'lvs-group-undefined',
  'lvs-range-ignored',
  'lvs-server-twice',
  'script-relative',
  'script-shell-syntax',
  'vrrp-address-twice',
  'vrrp-peer-self',
]);
/** keepalived would not end, or takes seconds to. */
const ENDLESS = new Set(['definition-loop', 'include-loop', 'too-large']);
const SECURITY = 'SECURITY VIOLATION';

before(() => {
  ensure(['iproute2', 'keepalived']);
  enterOwnNetwork();
  run('ip link add eth0 type veth peer name eth1');
  run('ip addr add 10.0.0.5/24 dev eth0');
  run('ip link set eth0 up');
});
after(() => rmSync(directory, { recursive: true, force: true }));

/** Exit status and messages of `keepalived -t`, without those about missing script security. */
function tested(text: string): { status: number | null; messages: string[] } {
  const path = join(directory, 'keepalived.conf');
  // 2.2.7 ends its own test by SIGTERM when a script runs as another user.
  const here = text.replaceAll(/\/usr\/local\/bin\/\w+/g, '/bin/true').replaceAll('script_user nobody', 'script_user root');
  writeFileSync(path, here);
  const { status, signal, stderr, stdout } = spawnSync('keepalived', ['-t', '-n', '-l', '-f', path], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !line.includes(SECURITY));
  return { status, messages: [...new Set(lines), ...(signal === null ? [] : [signal])] };
}

const single = RULES.filter(({ wrong, code }) => typeof wrong === 'string' && !ENDLESS.has(code));

test('keepalived takes every right example', { timeout: 120_000 }, () => {
  const refused = single.flatMap(({ code, right }) => {
    const { status, messages } = tested(right as string);
    return status === 0 || (status === 6 && messages.length === 0) ? [] : [`${code}: ${status} ${messages.join(' ')}`];
  });
  assert.deepEqual(refused, []);
});

test('keepalived flags every wrong example of an error, but those it does not see', { timeout: 120_000 }, () => {
  const errors = single.filter(({ severity }) => severity === 'error');
  const missed = errors.filter(({ wrong }) => tested(wrong as string).status === 0).map(({ code }) => code);
  assert.deepEqual(new Set(missed), SILENT);
});
