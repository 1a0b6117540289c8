/** `fourlane keepalived snippet` over files, and the script for those who prefer a vrrp_script. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { keepalivedCommand } from '../../src/cli/keepalived.ts';
import { instance } from '../../src/keepalived/lint/examples.ts';
import { printed } from './printed.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-snippet-'));
after(() => rmSync(dir, { recursive: true }));

const write = (name: string, text: string) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const yaml = write(
  'f.yaml',
  `nics:
  - {name: eth2, anchors: [192.0.2.1], onFail: [{trackFile: {path: /run/fourlane/eth2}}]}
  - {name: eth3, onFail: [{trackFile: {path: /run/fourlane/eth3, failed: -20}}]}
onIsolated: [{trackFile: {path: /run/fourlane/isolated}}]
`,
);

const snippet = (...argv: readonly string[]) => printed(keepalivedCommand, ['snippet', '--config', yaml, ...argv]);

describe('fourlane keepalived snippet', () => {
  it('prints what to add to the file that has the instance, with what it includes, and lints the result', async () => {
    mkdirSync(join(dir, 'conf.d'));
    write('conf.d/vrrp.conf', instance({ set: { priority: '101' } }));
    const root = write('k.conf', 'include conf.d/*.conf\n');
    const { status: exit, out, err } = await snippet('--keepalived', root, '--peer-priority', '100');
    assert.equal(exit, 0);
    assert.match(out, /^# At the top of the file:\nglobal_defs \{\n {4}script_user root\n {4}vrrp_notify_fifo \/run\/fourlane/);
    assert.match(out, /^# vrrp_instance VI_1 \(.*\/conf\.d\/vrrp\.conf:1\), before its closing brace:\n# 101 here, 100 on/m);
    assert.match(out, /\n# These lines bring no mistake into .*k\.conf;/);
    assert.match(err, /^\/run\/fourlane\/eth3 is left out: it holds 0 and -20;/);
  });

  it('reports what the lines bring with them', async () => {
    // With this line in front nothing that tracks comes after the definitions.
    const root = write(
      'bad.conf',
      `${instance({ set: { priority: '101' }, more: ['track_file {', 'fourlane_eth2 weight -1', '}'] })}`,
    );
    const { status: exit, out } = await snippet('--keepalived', root, '--peer-priority', 'VI_1=100');
    assert.equal(exit, 0);
    assert.doesNotMatch(out, /fourlane_eth2 weight/);
    const crowded = write('old.conf', instance({ set: { priority: '101', nopreempt: '', state: 'BACKUP' } }));
    assert.equal((await snippet('--keepalived', crowded)).status, 0, 'nopreempt needs no priority of the peer');
  });

  for (const [what, argv, message] of [
    ['the peer is not known', ['--peer-priority', 'VI_2=100'], /the priority of VI_1 on the other node is not known/],
    ['a wrong priority', ['--peer-priority', '256'], /found 256; allowed: 1 to 255/],
    ['an unknown option', ['--peer', '1'], /peer/],
  ] as const)
    it(`says what is missing: ${what}`, async () => {
      const root = write('one.conf', instance({ set: { priority: '101' } }));
      const { status: exit, err } = await snippet('--keepalived', root, ...argv);
      assert.equal(exit, 1);
      assert.match(err, message);
    });

  it('needs a trackFile and an instance', async () => {
    const bare = write('bare.yaml', 'nics: [{name: eth2}]\n');
    assert.match((await snippet('--config', bare, '--keepalived', bare)).err, /has no trackFile that keepalived could follow/);
    const empty = write('empty.conf', '');
    assert.match((await snippet('--keepalived', empty, '--peer-priority', '1')).err, /has no vrrp_instance/);
  });
});

it('docs/keepalived.md shows what the snippet prints for what it shows', async () => {
  const section = readFileSync(join(import.meta.dirname, '../../docs/keepalived.md'), 'utf8').split('\n## Steering VRRP\n')[1]!;
  const [, config = ''] = /```yaml\n([\s\S]+?)```/.exec(section) ?? [];
  const [, shown = ''] = /```console\n([\s\S]+?)```/.exec(section) ?? [];
  const [command, ...lines] = shown.split('\n');
  const root = write('shown.conf', `global_defs {\n  script_user root\n}\n${instance({ set: { priority: '101' } })}`);
  const yamlFile = write('shown.yaml', config);
  const { status: exit, out } = await snippet('--config', yamlFile, '--keepalived', root, ...command!.split(' ').slice(4));
  assert.equal(exit, 0);
  assert.deepEqual(out.replaceAll(root, '/etc/keepalived/keepalived.conf').split('\n'), lines);
});

describe('docs/keepalived/fourlane-state', () => {
  const run = (...contents: (string | undefined)[]) => {
    const paths = contents.map((text, i) => (text === undefined ? join(dir, 'nothing') : write(`state-${i}`, text)));
    const { status, stderr } = spawnSync('/bin/sh', [
      join(import.meta.dirname, '../../docs/keepalived/fourlane-state'),
      ...paths,
    ]);
    return [status, String(stderr)];
  };
  it('exits with 1 while a file holds another number than 0', () => {
    assert.deepEqual(run('0\n', '1\n'), [1, '']);
    assert.deepEqual(run('-20\n'), [1, '']);
    assert.deepEqual(run('0\n', '0\n'), [0, '']);
  });
  it('takes no file, an empty one and other text for no evidence', () => {
    assert.deepEqual(run(undefined, '', 'what\n', '1 2\n'), [0, '']);
  });
});
