import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findNames, readAttribute, readLinkName, readNames } from '../../src/sys/sysfs.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-sysfs-'));
after(() => rmSync(dir, { recursive: true }));
const { signal } = new AbortController();

test('an attribute without value is undefined: EINVAL, no such file, no such device', async () => {
  assert.equal(await readAttribute('/sys/class/net/lo/speed', signal), undefined);
  assert.equal(await readAttribute('/sys/class/net/lo/nonsense', signal), undefined);
  assert.equal(await readAttribute('/sys/class/net/nosuch0/speed', signal), undefined);
  assert.match((await readAttribute('/sys/class/net/lo/mtu', signal)) ?? '', /^\d+$/);
  assert.equal(await readLinkName('/sys/class/net/lo/device/driver', signal), undefined);
});

test('what can not be read for another reason is an error with the reason', async () => {
  await assert.rejects(readAttribute(dir, signal), /EISDIR/);
  await assert.rejects(readAttribute('/sys/class/net/lo/mtu', AbortSignal.abort(new Error('time is up'))), /time is up/);
});

test('names: all of a directory, or those that begin so among the first', async () => {
  mkdirSync(join(dir, 'device'));
  for (let i = 0; i < 200; i++) writeFileSync(join(dir, 'device', `upper_${i}`), '');
  symlinkSync('../../drivers/ice', join(dir, 'device/driver'));
  assert.equal(await readLinkName(join(dir, 'device/driver'), signal), 'ice');
  assert.equal((await readNames(join(dir, 'device'), signal)).length, 201);
  assert.deepEqual(await readNames(join(dir, 'none'), signal), []);
  assert.deepEqual(await findNames(join(dir, 'device'), 'driver', 1000, signal), ['driver']);
  assert.equal((await findNames(join(dir, 'device'), 'upper_', 50, signal)).length <= 50, true);
  assert.deepEqual(await findNames(join(dir, 'none'), 'x', 50, signal), []);
});
