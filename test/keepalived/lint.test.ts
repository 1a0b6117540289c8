/** The linter as a whole: order, suppression, ids, formats, mends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asGithub, asJson, asSarif, asText } from '../../src/keepalived/lint/format.ts';
import { lint } from '../../src/keepalived/lint/lint.ts';
import { applyEdits, unifiedDiff } from '../../src/keepalived/lint/mend.ts';

const INSTANCE = `vrrp_instance VI_1 {
  state MASTER
  nopreempt
  interface eth0
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    192.0.2.1/24
  }
}
`;

function codes(...texts: string[]): string[] {
  return lint(texts.map((text, i) => ({ path: `${i + 1}.conf`, text }))).map(
    ({ rule, at }) => `${at.source.path}:${at.line} ${rule.code}`,
  );
}

describe('lint', () => {
  it('orders by file, line and column, and says each thing once', () => {
    const text = `${INSTANCE}global_defs {\n  bogus_word 1\n  lvs_id x\n}\n`;
    assert.deepEqual(codes(text, text).slice(0, 3), [
      '1.conf:3 vrrp-nopreempt-master',
      '1.conf:12 keyword-unknown',
      '1.conf:13 keyword-removed',
    ]);
    const shared = { path: 'shared.conf', text: 'bogus_word 1\n' };
    const both = ['a', 'b'].map((path) => ({ path, text: 'include shared.conf\n', files: () => [shared] }));
    assert.deepEqual(
      lint(both).map(({ at }) => at.source.path),
      ['shared.conf'],
    );
  });

  it('leaves out what a comment says', () => {
    const with_ = (line: string) => codes(INSTANCE.replace('  nopreempt\n', line));
    assert.deepEqual(with_('  nopreempt # fourlane-lint: ignore vrrp-nopreempt-master\n'), []);
    assert.deepEqual(with_('  ! fourlane-lint: ignore other-code, vrrp-nopreempt-master\n  nopreempt\n'), []);
    assert.deepEqual(with_('  # fourlane-lint: ignore other-code\n  nopreempt\n'), ['1.conf:4 vrrp-nopreempt-master']);
    assert.deepEqual(with_('  debug 1 # fourlane-lint: ignore vrrp-nopreempt-master\n  nopreempt\n'), [
      '1.conf:4 vrrp-nopreempt-master',
    ]);
    assert.deepEqual(lint([{ path: 'a', text: INSTANCE }], { ignore: new Set(['vrrp-nopreempt-master']) }), []);
  });

  it('tries every id that the file names, and compares what they give', () => {
    const text = INSTANCE.replace('  state MASTER\n  nopreempt\n', '  @a state MASTER\n  @b state BACKUP\n  @a nopreempt\n');
    assert.deepEqual(codes(text), ['1.conf:4 vrrp-nopreempt-master', '1.conf:7 node-priority-equal']);
    const of = (configId: string) => lint([{ path: 'k', text }], { configId }).map(({ rule }) => rule.code);
    assert.deepEqual([of('a'), of('b')], [['vrrp-nopreempt-master'], []]);
    const one = INSTANCE.replace('  nopreempt\n', '').replace('  priority 100\n', '  @a priority 100\n  @^a priority 90\n');
    assert.deepEqual(codes(one.replace('state MASTER', 'state BACKUP')), []);
  });

  it('compares nodes', () => {
    const other = INSTANCE.replace('  nopreempt\n', '').replace('MASTER', 'BACKUP').replace('51', '52').replace('100', '90');
    assert.deepEqual(codes(INSTANCE.replace('  nopreempt\n', ''), other), ['2.conf:4 node-router-id-differs']);
    assert.deepEqual(codes(other), []);
  });

  const [finding] = lint([{ path: 'dir/k,1.conf', text: INSTANCE }]);

  it('prints for people, with the line and a caret', () => {
    assert.equal(
      asText(finding!),
      `dir/k,1.conf:3:3: error vrrp-nopreempt-master: nopreempt of VI_1 does nothing: its state is MASTER
3 |   nopreempt
  |   ^^^^^^^^^
  why: keepalived clears nopreempt then, so the node takes the addresses back as soon as it returns.
  fix: write state BACKUP on both nodes; the priority decides who becomes master first
`,
    );
  });

  it('prints no password and nothing that acts on a terminal', () => {
    const text = INSTANCE.replace(
      '  nopreempt\n',
      '  authentication {\n    auth_type PASS\n    auth_pass 123456789 \u001b[31m\n  }\n',
    );
    const all = lint([{ path: 'k\u001b', text }]);
    const printed = all.map(asText).join('') + all.map(asGithub).join('') + JSON.stringify([all.map(asJson), asSarif(all, '1')]);
    assert.ok(all.some(({ rule }) => rule.code === 'vrrp-auth-long'));
    assert.doesNotMatch(printed, /12345/);
    assert.ok(!all.map(asText).join('').includes('\u001b'));
    assert.match(printed, /auth_pass \*{9}/);
  });

  it('prints JSON with exactly these fields', () => {
    assert.deepEqual(Object.keys(asJson(finding!)), ['code', 'severity', 'file', 'line', 'column', 'message', 'why', 'fix']);
    assert.deepEqual([asJson(finding!).severity, asJson(finding!).line, asJson(finding!).column], ['error', 3, 3]);
  });

  it('prints for GitHub, with its marks escaped', () => {
    assert.match(
      asGithub(finding!),
      /^::error file=dir\/k%2C1\.conf,line=3,col=3,endColumn=12,title=vrrp-nopreempt-master::nopreempt of/,
    );
    const info = lint([{ path: 'k', text: INSTANCE.replace('192.0.2.1/24', '192.0.2.1').replace('  nopreempt\n', '') }]);
    assert.match(asGithub(info[0]!), /^::notice /);
  });

  it('prints SARIF', () => {
    const { runs, version } = asSarif([finding!, finding!], '1.2.3') as {
      version: string;
      runs: { tool: { driver: { rules: { id: string }[] } }; results: { ruleId: string; ruleIndex: number; level: string }[] }[];
    };
    assert.equal(version, '2.1.0');
    assert.deepEqual(
      runs[0]!.tool.driver.rules.map(({ id }) => id),
      ['vrrp-nopreempt-master'],
    );
    assert.deepEqual(
      runs[0]!.results.map(({ ruleIndex, level }) => [ruleIndex, level]),
      [
        [0, 'error'],
        [0, 'error'],
      ],
    );
  });

  it('mends lines in place, and shows what it changes', () => {
    const text = `global_defs {\n  vrrp_garp_interval 0\n  lvs_id lb1   # name\n}\r\n${INSTANCE}}\n`;
    const edits = lint([{ path: 'k', text }]).flatMap(({ edit }) => edit ?? []);
    const [mended] = applyEdits(edits);
    assert.equal(mended!.text, `global_defs {\n  router_id lb1   # name\n}\r\n${INSTANCE}`);
    assert.equal(
      unifiedDiff(mended!, edits),
      `--- k
+++ k
@@ -1,6 +1,5 @@
 global_defs {
-  vrrp_garp_interval 0
-  lvs_id lb1   # name
+  router_id lb1   # name
 }
 vrrp_instance VI_1 {
   state MASTER
@@ -12,4 +11,3 @@
     192.0.2.1/24
   }
 }
-}
`,
    );
    assert.equal(unifiedDiff({ source: mended!.source, text }, []), '');
  });
});
