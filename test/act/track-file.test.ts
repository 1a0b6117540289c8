import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { trackFile } from '../../src/act/track-file.ts';
import { effectOf } from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-track-'));
after(() => rmSync(folder, { recursive: true }));

function perform(path: string, state: 'ok' | 'failed', values: { ok?: number; failed?: number } = {}) {
  const spec = { type: 'trackFile', path, ok: 0, failed: 1, ...values };
  return trackFile.perform(spec, [effectOf({ spec, state })], { announce: false, notes: [] });
}

describe('trackFile', () => {
  it('writes the number of the state and a line end, readable by others', async () => {
    const path = join(folder, 'eth2');
    assert.equal(await perform(path, 'failed'), 'done');
    assert.equal(readFileSync(path, 'utf8'), '1\n');
    assert.equal(statSync(path).mode & 0o777, 0o644);
    assert.equal(await perform(path, 'ok', { ok: -20 }), 'done');
    assert.equal(readFileSync(path, 'utf8'), '-20\n');
    assert.deepEqual(readdirSync(folder), ['eth2'], 'no temporary file stays');
  });

  it('writes only what differs', async () => {
    const path = join(folder, 'eth3');
    await perform(path, 'ok');
    const { ino, mtimeMs } = statSync(path);
    assert.equal(await perform(path, 'ok'), 'unchanged');
    assert.deepEqual([statSync(path).ino, statSync(path).mtimeMs], [ino, mtimeMs]);
    writeFileSync(path, '0');
    assert.equal(await perform(path, 'ok'), 'done');
    rmSync(path);
    assert.equal(await perform(path, 'ok'), 'done');
  });

  it('replaces whatever else is there: too long, a link, a FIFO, and what another user could change', async () => {
    const path = join(folder, 'other');
    const theirs = join(folder, 'theirs');
    writeFileSync(theirs, '0\n');
    const made: Record<string, () => void> = {
      long: () => writeFileSync(path, 'x'.repeat(1000)),
      link: () => symlinkSync(theirs, path),
      fifo: () => execFileSync('mkfifo', [path]),
      ...(process.getuid?.() === 0 && {
        foreign: () => {
          writeFileSync(path, '0\n');
          chownSync(path, 65_534, 65_534);
        },
      }),
    };
    for (const [name, make] of Object.entries(made)) {
      rmSync(path, { force: true });
      make();
      assert.equal(await perform(path, 'ok'), 'done', name);
      const stat = lstatSync(path);
      assert.deepEqual([stat.isFile(), stat.uid, readFileSync(path, 'utf8')], [true, process.getuid!(), '0\n'], name);
      assert.equal(await perform(path, 'ok'), 'unchanged', name);
    }
    assert.equal(readFileSync(theirs, 'utf8'), '0\n');
  });

  it('says what is wrong with the place', async () => {
    await assert.rejects(
      perform(join(folder, 'none/eth2'), 'ok'),
      /cannot write .*none\/eth2: the directory .*none does not exist; create it \(ENOENT\)/,
    );
    mkdirSync(join(folder, 'dir'));
    await assert.rejects(perform(join(folder, 'dir'), 'ok'), /it is a directory; name a file \(EISDIR\)/);
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(perform(join(folder, 'file/eth2'), 'ok'), /cannot write .*is not a directory \(ENOTDIR\)/);
  });

  it('works again once the place is right', async () => {
    const path = join(folder, 'later/eth2');
    await assert.rejects(perform(path, 'failed'));
    mkdirSync(join(folder, 'later'));
    assert.equal(await perform(path, 'failed'), 'done');
  });
});
