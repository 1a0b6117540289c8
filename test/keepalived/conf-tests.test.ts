/** The 137 recorded configurations: what `keepalived -t` said, and what the linter finds. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { lint } from '../../src/keepalived/lint/lint.ts';
import type { Host } from '../../src/keepalived/lint/rule.ts';
import type { Found } from '../../src/keepalived/read/files.ts';
import { EXPECTED, GOOD, NOT_CAUGHT } from './conf-tests.expected.ts';

const DIRECTORY = 'test/fixtures/keepalived/conf-tests';

interface Recorded {
  readonly config: string;
  readonly rc: number;
  readonly messages: readonly string[];
}

const recorded = JSON.parse(readFileSync(`${DIRECTORY}/results.json`, 'utf8')) as readonly Recorded[];
const names = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.conf'))
  .map((name) => name.slice(0, -'.conf'.length))
  .sort();

/** The machine they were recorded on: one interface, and a few programs. */
const PROGRAMS = new Set(['/bin/true', '/bin/sh', '/bin/ss', '/bin/echo']);
const HOST: Host = {
  interfaces: new Set(['lo', 'eth0']),
  addresses: new Set(['10.0.0.5']),
  refusalOf: (path) => (PROGRAMS.has(path) ? undefined : 'does not exist'),
};

/** What is found, as `error vrrp-no-address:1`. */
function found(name: string): string[] {
  const path = `${name}.conf`;
  const text = readFileSync(`${DIRECTORY}/${path}`, 'utf8');
  const files = (pattern: string): Found[] => (pattern === '/etc' ? [{ path: '/etc', refused: 'directory' }] : []);
  return lint([{ path, text, files }], { host: HOST }).map(({ rule, at }) => `${rule.severity} ${rule.code}:${at.line}`);
}

const table = new Map(names.map((name) => [name, found(name)]));
const mistakes = (name: string) => table.get(name)!.filter((entry) => !entry.startsWith('info'));

describe('the recorded configurations', () => {
  it('are looked at as expected, one finding for each mistake', (t) => {
    assert.equal(names.length, 137);
    for (const { config, rc } of recorded)
      t.diagnostic(`${config.padEnd(38)} -t ${String(rc).padEnd(4)} ${table.get(config)!.join(', ')}`);
    assert.deepEqual(Object.fromEntries(table), EXPECTED);
  });

  it('of which keepalived -t flags one have a finding', () => {
    const isGeneric = (message: string) => message.includes('SECURITY VIOLATION');
    const flagged = recorded.filter(({ rc, messages }) => rc === 139 || (rc !== 0 && !messages.every(isGeneric)));
    assert.ok(flagged.length > 75, `${flagged.length}`);
    assert.deepEqual(
      flagged.filter(({ config }) => mistakes(config).length === 0).map(({ config }) => config),
      [],
    );
  });

  it('in which keepalived -t does not see the mistake have it found', () => {
    const missed = Object.entries(NOT_CAUGHT).filter(
      ([config, code]) => !table.get(config)!.some((entry) => entry.includes(` ${code}:`)),
    );
    assert.deepEqual(missed, []);
    for (const config of Object.keys(NOT_CAUGHT)) {
      const { rc } = recorded.find((one) => one.config === config)!;
      assert.ok(rc === 0 || rc === 6, `${config}: keepalived -t says ${rc}`);
    }
  });

  it('that are good have no error', () => {
    for (const name of GOOD)
      assert.deepEqual(
        mistakes(name).filter((entry) => entry.startsWith('error')),
        [],
        name,
      );
    const rest = names.filter((name) => !GOOD.includes(name) && mistakes(name).length === 0 && table.get(name)!.length === 0);
    assert.deepEqual(rest, [], 'without a finding, and not called good');
  });
});
