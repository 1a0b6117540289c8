/** Each rule against its own examples. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import type { Found } from '../../src/keepalived/read/files.ts';
import { lint } from '../../src/keepalived/lint/lint.ts';
import type { Example, Finding, Host } from '../../src/keepalived/lint/rule.ts';
import { RULES } from '../../src/keepalived/lint/rules.ts';
import { applyEdits } from '../../src/keepalived/lint/mend.ts';

/** A machine with little on it. */
const HOST: Host = {
  interfaces: new Set(['eth0', 'eth1', 'lo']),
  addresses: new Set(['10.0.0.5', '10.0.1.5']),
  refusalOf: (path) => (path.startsWith('/no/') ? 'does not exist' : undefined),
};

const DIRECTORY: Found = { path: '/etc', refused: 'directory' };

function found(example: Example, host?: Host): Finding[] {
  const texts = typeof example === 'string' ? [example] : example;
  const nodes = texts.map((text, i) => ({
    path: i === 0 ? 'keepalived.conf' : `node${i + 1}.conf`,
    text,
    files: (pattern: string): Found[] =>
      pattern === '/etc' ? [DIRECTORY] : pattern === 'keepalived.conf' ? [{ path: pattern, text }] : [],
  }));
  return lint(nodes, host === undefined ? {} : { host });
}

const codes = (findings: readonly Finding[]) => findings.map(({ rule }) => rule.code);

describe('rules of the linter', () => {
  for (const rule of RULES) {
    it(rule.code, () => {
      const host = rule.onHost === undefined ? undefined : HOST;
      const wrong = found(rule.wrong, host);
      assert.ok(
        codes(wrong).includes(rule.code),
        `not found in the wrong example; found: ${codes(wrong).join(' ') || 'nothing'}`,
      );
      const right = found(rule.right, host);
      assert.ok(!codes(right).includes(rule.code), 'found in the right example');
      const errors = right.filter((finding) => finding.rule.severity === 'error').map((f) => `${f.rule.code}: ${f.message}`);
      assert.deepEqual(errors, [], 'the right example has errors');
    });
  }

  it('find no other error in a wrong example', () => {
    const others = RULES.flatMap((rule) => {
      const all = found(rule.wrong, rule.onHost === undefined ? undefined : HOST);
      const errors = all.filter((finding) => finding.rule.severity === 'error' && finding.rule.code !== rule.code);
      return errors.map((finding) => `${rule.code}: also ${finding.rule.code}`);
    });
    assert.deepEqual(others, []);
  });

  it('have codes of their own, and texts that end alike', () => {
    assert.equal(new Set(RULES.map(({ code }) => code)).size, RULES.length);
    for (const { code, title, why, fix } of RULES) {
      assert.match(code, /^[a-z]+(-[a-z0-9]+)+$/, code);
      assert.match(why, /^[^.].*\.$/, `${code}: why is a sentence`);
      assert.doesNotMatch(title, /\.$/, code);
      assert.doesNotMatch(fix, /\.$/, code);
    }
  });

  it('have a page each', () => {
    const pages = globSync('docs/lint/*.md').map((path) => basename(path, '.md'));
    assert.deepEqual(pages.sort(), RULES.map(({ code }) => code).sort());
  });

  it('offer mends that mend', () => {
    let mended = 0;
    for (const { code, wrong } of RULES) {
      if (typeof wrong !== 'string') continue;
      const mine = found(wrong).filter(({ rule, edit }) => rule.code === code && edit !== undefined);
      if (mine.length === 0) continue;
      const [result] = applyEdits(mine.map(({ edit }) => edit!));
      assert.ok(!codes(found(result!.text)).includes(code), `${code}\n${result!.text}`);
      mended++;
    }
    assert.ok(mended >= 8, `${mended} rules`);
  });
});
