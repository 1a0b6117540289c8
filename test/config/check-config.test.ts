import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkConfig } from '../../src/cli/check-config.ts';
import { printed } from '../cli/printed.ts';

const fixtures = join(import.meta.dirname, '../fixtures/config');

const run = (...argv: readonly string[]) => printed(checkConfig, argv);

describe('fourlane check-config', () => {
  it('prints the plan of a valid file', async () => {
    const file = join(fixtures, 'good-contract.yaml');
    const { status, out, err } = await run('--config', file);
    assert.equal(status, 0);
    assert.equal(err, '');
    assert.match(out, /good-contract\.yaml is valid\./);
    assert.match(out, /^ {2}eth2 {2}group bond0 {2}anchors 192\.0\.2\.1 {2}on failure: trackFile, exec$/m);
    assert.match(out, /^ {2}web {2}10\.0\.0\.1:80\/tcp {2}on eth2, eth3 {2}2 real servers {2}panic 0\.5 {2}actuator none$/m);
    assert.match(out, /2 × {2}http every 1000 ms, timeout 500 ms, fall 3, rise 2/);
    assert.match(out, /2 NICs × 2 checks = 4 cells, 9 checks\/s with anchors/);
  });

  it('prints the times of an imported check in the words of keepalived, where they are its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fourlane-'));
    const file = join(folder, 'keepalived.conf');
    const check = 'alpha\n TCP_CHECK {\n  retry 2\n }';
    writeFileSync(file, `virtual_server 192.0.2.1 80 {\n protocol TCP\n real_server 10.0.0.1 80 {\n ${check}\n }\n}\n`);
    const imported = { keepalived: { file, semantics: 'keepalived' } };
    writeFileSync(join(folder, 'f.yaml'), JSON.stringify({ nics: ['eth0'].map((name) => ({ name })), import: imported }));
    try {
      const { out, err } = await run('--config', join(folder, 'f.yaml'));
      const times = 'delay_loop 60000 ms, retry 2 after 1000 ms, warmup 60000 ms, alpha, timeout 5000 ms';
      assert.match(out, new RegExp(`1 × +tcp as keepalived: ${times}$`, 'm'), err);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('prints it as JSON, with sums and without secrets', async () => {
    const { status, out } = await run('--json', '--config', join(fixtures, 'good-actions.yaml'));
    assert.equal(status, 0);
    const plan = JSON.parse(out);
    assert.deepEqual(plan.totals, { nics: 2, targets: 1, cells: 2, checksPerSecond: 2 });
    assert.deepEqual(plan.web, { authentication: 'basic' });
    assert.doesNotMatch(out, /5e884898/);
    assert.doesNotMatch(out, /Bearer abc/, 'request headers hold credentials');
  });

  it('prints every problem of a wrong file', async () => {
    const { status, out, err } = await run('--config', join(fixtures, 'invalid-several-at-once.yaml'));
    assert.deepEqual([status, out], [1, '']);
    assert.match(err, /invalid-several-at-once\.yaml:5:15: nics\[1\]/);
    assert.equal(err.trimEnd().split('\n').length, 6);
  });

  it('says why a file cannot be read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fourlane-'));
    try {
      assert.match(
        (await run('--config', join(folder, 'none.yaml'))).err,
        /cannot read the configuration .*none\.yaml: there is no such file/,
      );
      assert.match((await run('--config', '/dev/zero')).err, /it is not a regular file/);
      assert.match((await run('--config', folder)).err, /it is a directory; name the file/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("does not take a defect of its own for a mistake of the user's", () => {
    const out = () => assert.fail('a defect');
    const argv = [join(fixtures, 'good-contract.yaml')];
    assert.throws(() => checkConfig(argv, { out, err: () => undefined }), /a defect/);
  });

  it('has help with an example, and says how it is used', async () => {
    const help = await run('--help');
    assert.equal(help.status, 0);
    assert.match(help.out, /Example:\n {2}fourlane check-config --config/);
    assert.deepEqual([(await run()).status, (await run('--nonsense')).status], [1, 1]);
    assert.match((await run()).err, /no configuration file is named/);
  });
});
