import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { FileError, readIfExists, removeLeftovers, writeAtomic } from '../../src/sys/files.ts';
import { patiently } from '../../src/sys/patience.ts';

const folder = mkdtempSync(join(tmpdir(), 'fourlane-files-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

describe('writeAtomic', () => {
  it('replaces the file by a new one', async () => {
    await writeAtomic(at('a'), 'one');
    const first = statSync(at('a'));
    assert.equal(first.mode & 0o777, 0o600);
    await writeAtomic(at('a'), Buffer.from('two'), { mode: 0o644 });
    assert.equal(readFileSync(at('a'), 'utf8'), 'two');
    assert.notEqual(statSync(at('a')).ino, first.ino, 'never written in place');
    assert.equal(statSync(at('a')).mode & 0o777, 0o644);
  });

  it('shows a reader the old or the new content, never a part', async () => {
    const [x, y] = ['x'.repeat(300_000), 'y'.repeat(300_000)];
    await writeAtomic(at('b'), x);
    let done = false;
    const writing = (async () => {
      for (let i = 0; i < 10; i++) await writeAtomic(at('b'), i % 2 ? x : y);
      done = true;
    })();
    let reads = 0;
    while (!done) {
      const text = (await readIfExists(at('b'), 1 << 20))?.toString();
      assert.ok(text === x || text === y);
      reads++;
    }
    await writing;
    assert.ok(reads > 0);
  });

  it('survives many writers at once', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => writeAtomic(at('c'), `${i}`)));
    assert.match(readFileSync(at('c'), 'utf8'), /^\d+$/);
  });

  it('leaves nothing behind when it fails, and says what to do', async () => {
    mkdirSync(at('d'));
    await assert.rejects(writeAtomic(at('d'), 'x'), (error: unknown) => error instanceof FileError && error.code === 'EISDIR');
    await assert.rejects(writeAtomic(at('no/such'), 'x'), {
      code: 'ENOENT',
      message: `cannot write ${at('no/such')}: the directory ${at('no')} does not exist; create it (ENOENT)`,
    });
    await assert.rejects(writeAtomic(at('x'.repeat(300)), 'x'), /the name is too long/);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});

describe('readIfExists', () => {
  it('reads a whole file, of any size up to the limit', async () => {
    for (const size of [0, 1, 100, 101]) {
      writeFileSync(at('r'), 'x'.repeat(size));
      assert.equal((await readIfExists(at('r'), 101))?.length, size);
    }
    await assert.rejects(readIfExists(at('r'), 100), /longer than 100 bytes \(EFBIG\)/);
  });
  it('reads what says it has no size, and takes memory for what is there, not for what is allowed', async () => {
    const maps = await readIfExists('/proc/self/smaps', 64 << 20);
    assert.ok(maps!.length > 16_384, 'longer than the first buffer');
    assert.match(maps!.toString(), /^VmFlags: .*\n$/m);
    writeFileSync(at('r'), 'x'.repeat(100_000));
    const read = await readIfExists(at('r'), 256 << 20);
    assert.equal(read!.length, 100_000);
    assert.ok(read!.buffer.byteLength < 200_000, `${read!.buffer.byteLength} bytes`);
  });

  it('is undefined when there is no file', async () => assert.equal(await readIfExists(at('none'), 10), undefined));
  it('fails on what is no file', async () => {
    mkdirSync(at('dir'));
    await assert.rejects(readIfExists(at('dir'), 10), /it is a directory/);
    symlinkSync(at('loop'), at('loop'));
    await assert.rejects(readIfExists(at('loop'), 10), /it is a symbolic link, or there are too many/);
  });

  it('is not held by a FIFO without a writer, or a device', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    await assert.rejects(readIfExists(at('fifo'), 10), /cannot read .*fifo: it is no regular file \(EINVAL\)/);
    await assert.rejects(readIfExists('/dev/zero', 10), /it is no regular file/);
  });

  it('believes only whom it should, and follows no link where it must not', async () => {
    writeFileSync(at('own'), 'x');
    symlinkSync(at('own'), at('link'));
    const mine = process.geteuid!();
    assert.equal(String(await readIfExists(at('own'), 10, { owners: [mine], link: false })), 'x');
    assert.equal(String(await readIfExists(at('link'), 10, { owners: [mine] })), 'x');
    await assert.rejects(readIfExists(at('link'), 10, { link: false }), /it is a symbolic link/);
    const others = { owners: [mine + 1, mine + 2] };
    const reason = `it belongs to uid ${mine}, and is believed only from uid ${mine + 1} or ${mine + 2} \\(EOWNER\\)`;
    await assert.rejects(readIfExists(at('own'), 10, others), new RegExp(reason));
  });
});

describe('removeLeftovers', () => {
  it('removes what killed writers have left, and nothing else', async () => {
    mkdirSync(at('state'));
    const path = join(at('state'), 'state.json');
    const kept = [
      'state.json',
      'state.json.set-aside',
      'state.json.0123456789ab.tmp.old',
      'other.0123456789ab.tmp',
      'state.json.tmp',
    ];
    for (const name of [...kept, 'state.json.0123456789ab.tmp', 'state.json.ffffffffffff.tmp'])
      writeFileSync(join(at('state'), name), '');
    await removeLeftovers(path);
    assert.deepEqual(readdirSync(at('state')).toSorted(), kept.toSorted());
    await removeLeftovers(join(at('none'), 'state.json'));
  });
});

describe('patiently', () => {
  it('gives up what hangs, refuses more while two hang, and takes late results away', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const [one, two] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    const late: number[] = [];
    const waiting = [one, two].map(({ promise }) =>
      patiently(
        () => promise,
        (n) => late.push(n),
      ),
    );
    const rejected = Promise.all(waiting.map((each) => assert.rejects(each, { code: 'ETIMEDOUT', message: /within 5 s/ })));
    t.mock.timers.tick(5000);
    await rejected;
    await assert.rejects(
      patiently(() => assert.fail('it must not begin')),
      { code: 'EBUSY', message: /2 other files/ },
    );
    one.resolve(1);
    await one.promise;
    await Promise.resolve();
    assert.deepEqual(late, [1]);
    assert.equal(await patiently(() => Promise.resolve(3)), 3);
    two.reject(new Error('at last'));
    await assert.rejects(
      patiently(() => Promise.reject(new Error('as it is'))),
      /as it is/,
    );
    assert.equal(await patiently(() => Promise.resolve(4)), 4);
  });
});

describe('a FileError', () => {
  it('names path, reason, remedy and code', () => {
    const message = (code: string) => new FileError('write', '/run/x', Object.assign(new Error('as told'), { code })).message;
    assert.equal(
      message('EACCES'),
      'cannot write /run/x: permission denied; give the user fourlane runs as the right to write there (EACCES)',
    );
    assert.equal(message('ENOSPC'), 'cannot write /run/x: no space left on the file system; free some (ENOSPC)');
    assert.equal(message('EROFS'), 'cannot write /run/x: the file system is mounted read-only (EROFS)');
    assert.equal(message('EOTHER'), 'cannot write /run/x: as told (EOTHER)');
  });
});
