import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { lintCommand } from '../../src/cli/lint.ts';
import { printed } from './printed.ts';

const GOOD = `vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    192.0.2.1/24
  }
}
`;

describe('fourlane lint', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fourlane-lint-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const run = (...argv: readonly string[]) => printed(lintCommand, argv);

  it('follows includes, and ends with 0, 1 or 2', async () => {
    mkdirSync(join(directory, 'conf.d'), { recursive: true });
    mkdirSync(join(directory, 'conf.d', 'more.conf'), { recursive: true });
    file('conf.d/a.conf', GOOD);
    file(
      'conf.d/b.conf',
      GOOD.replace('VI_1', 'VI_2').replace('51', '52').replace('2.1/24', '2.2/24').replace('priority 100\n', ''),
    );
    const only = await run(file('good.conf', 'include conf.d/a.conf\n'));
    assert.deepEqual([only.status, only.out], [0, 'No mistakes found.\n']);
    const all = await run(file('all.conf', 'include conf.d/[ab].conf\n'));
    assert.equal(all.status, 1);
    assert.match(all.out, /conf\.d\/b\.conf:1:1: warning vrrp-no-priority: [^]*included from .*all\.conf:1\n/);
    const bad = await run(file('bad.conf', 'include conf.d/*.conf\ninclude conf.d/none.conf\nbogus_word\n'));
    assert.equal(bad.status, 2);
    for (const code of ['include-refused', 'include-missing', 'keyword-unknown', 'vrrp-no-priority'])
      assert.match(bad.out, new RegExp(code));
    chmodSync(join(directory, 'conf.d/a.conf'), 0o755);
    assert.match((await run(join(directory, 'good.conf'))).out, /include-refused: .*a\.conf is executable/);
    chmodSync(join(directory, 'conf.d/a.conf'), 0o644);
  });

  it('follows includes that differ by id', async () => {
    const path = file('ids.conf', '@lb1 $MINE=conf.d/a.conf\n@lb2 $MINE=conf.d/missing.conf\ninclude $MINE\n');
    assert.match((await run(path)).out, /ids\.conf:3:9: warning include-missing/);
    assert.equal((await run('--config-id', 'lb1', path)).status, 0);
  });

  it('prints each format', async () => {
    const path = file('fmt.conf', `${GOOD}bogus_word\n`);
    const json = JSON.parse((await run('--format', 'json', path)).out) as { code: string; file: string; line: number }[];
    assert.deepEqual(
      json.map(({ code, file: name, line }) => [code, name, line]),
      [['keyword-unknown', path, 10]],
    );
    assert.match((await run('--format', 'github', path)).out, /^::error file=/);
    assert.equal((JSON.parse((await run('--format=sarif', path)).out) as { version: string }).version, '2.1.0');
    assert.equal((await run('--ignore', 'keyword-unknown,value-invalid', path)).status, 0);
  });

  it('compares with the machine', async () => {
    const text = GOOD.replace('interface eth0', 'interface no-such-nic').replace(
      'priority',
      'notify /no/such/program\n  priority',
    );
    const { out, status } = await run('--host', file('host.conf', text));
    assert.equal(status, 2);
    assert.match(out, /host-no-interface: there is no interface no-such-nic/);
    assert.match(out, /host-program: \/no\/such\/program does not exist/);
    assert.equal((await run('--host', file('lo.conf', GOOD.replace('eth0', 'lo')))).out.includes('host-no-interface'), false);
  });

  it('mends in place, keeping rights and symbolic links, and only when told to', async () => {
    const text = `global_defs {\n  lvs_id x\n}\n${GOOD}`;
    const path = file('mend.conf', text);
    chmodSync(path, 0o640);
    const link = join(directory, 'link.conf');
    symlinkSync(path, link);
    const shown = await run('--fix', link);
    assert.match(
      shown.out,
      /^--- .*link\.conf\n\+\+\+ .*\n@@ -1,5 \+1,5 @@\n global_defs \{\n- {2}lvs_id x\n\+ {2}router_id x\n/,
    );
    assert.deepEqual([shown.status, readFileSync(path, 'utf8')], [2, text]);
    const written = await run('--fix', '--write', link);
    assert.deepEqual([written.status, written.err], [0, '1 mended, 0 need a decision\n']);
    assert.equal(readFileSync(path, 'utf8'), text.replace('lvs_id', 'router_id'));
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.ok(lstatSync(link).isSymbolicLink());
    writeFileSync(path, Buffer.concat([Buffer.from(text), Buffer.from([0x23, 0xff])]));
    const refused = await run('--fix', '--write', path);
    assert.equal(refused.status, 66);
    assert.match(refused.err, /^fourlane: cannot write .* no UTF-8/);
  });

  it('explains a code', async () => {
    const { out, status } = await run('--explain', 'node-priority-equal');
    assert.equal(status, 0);
    assert.match(
      out,
      /^node-priority-equal: equal priorities on two nodes \(warning\)\n\nwhy: [^]*Wrong, node 1:\n\nvrrp_instance/,
    );
  });

  it('ends with 64 for wrong options and 66 for a file that is not there', async () => {
    for (const argv of [
      [],
      ['--format', 'xml', 'x'],
      ['--ignore', 'nonsense', 'x'],
      ['--write', 'x'],
      ['--bogus'],
      ['--explain', 'x'],
    ]) {
      const { status, err, out } = await run(...argv);
      assert.deepEqual([status, out], [64, ''], argv.join(' '));
      assert.match(err, /^fourlane: /);
    }
    for (const path of [join(directory, 'none.conf'), directory]) assert.equal((await run(path)).status, 66);
    assert.equal((await run('--help')).status, 0);
  });
});
