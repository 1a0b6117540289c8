import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from '../../src/sys/line-splitter.ts';
import { type Ending, Tail, type TailCounts, type TailOptions } from '../../src/sys/tail.ts';

/** A tail of a file in a directory of its own, and all that it gave. */
class Following {
  readonly directory = mkdtempSync(join(tmpdir(), 'fourlane-tail-'));
  readonly path = join(this.directory, 'app.log');
  readonly lines: string[] = [];
  invalid = 0;
  cut = 0;
  now = 0;
  readonly tail: Tail;

  constructor(options: Partial<TailOptions> = {}) {
    this.tail = new Tail({ path: this.path, clock: () => this.now, lingerMs: 10_000, ...options });
  }

  /** One batch, a second after the one before. @returns how it ended, and what it counted */
  async read(): Promise<TailCounts & { ending: Ending }> {
    this.now += 1000;
    const before = { ...this.tail.counts };
    const ending = await this.tail.read((batch) => {
      this.lines.push(...batch.lines);
      this.invalid += batch.invalid;
      this.cut += batch.cut;
    }, new AbortController().signal);
    const { bytes, skippedBytes, renamed, truncated } = this.tail.counts;
    return {
      ending,
      bytes: bytes - before.bytes,
      skippedBytes: skippedBytes - before.skippedBytes,
      renamed: renamed - before.renamed,
      truncated: truncated - before.truncated,
    };
  }

  write(text: string | Uint8Array, name = 'app.log'): void {
    appendFileSync(join(this.directory, name), text);
  }

  /** What logrotate's copytruncate does. */
  copyTruncate(copy = 'app.log.1'): void {
    copyFileSync(this.path, join(this.directory, copy));
    truncateSync(this.path);
  }

  rename(to = 'app.log.1'): void {
    renameSync(this.path, join(this.directory, to));
  }

  async end(): Promise<void> {
    await this.tail.close();
    rmSync(this.directory, { recursive: true });
  }
}

const text = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('');
const numbered = (from: number, to: number) => text(from, to).trimEnd().split('\n');

describe('a tail', () => {
  let log: Following;
  beforeEach(() => (log = new Following()));
  afterEach(() => log.end());

  it('begins at the end, and gives each line once, whole', async () => {
    log.write('old\nold and begun');
    assert.deepEqual(await log.read(), { ending: 'end', bytes: 0, skippedBytes: 0, renamed: 0, truncated: 0 });
    log.write(' before\none\ntwo\r\nthr');
    assert.equal((await log.read()).bytes, 20);
    assert.deepEqual(log.lines, ['one', 'two'], 'the rest of a line begun before is not a line');
    log.write('ee\n\n');
    await log.read();
    await log.read();
    assert.deepEqual(log.lines, ['one', 'two', 'three', '']);
  });

  it('waits for a file that is not there, and reads it from its beginning then', async () => {
    assert.equal((await log.read()).ending, 'missing');
    log.write('one\n');
    assert.equal((await log.read()).ending, 'end');
    assert.deepEqual(log.lines, ['one']);
    unlinkSync(log.path);
    assert.deepEqual(await log.read(), { ending: 'missing', bytes: 0, skippedBytes: 0, renamed: 1, truncated: 0 });
    log.write('two\n');
    await log.read();
    assert.deepEqual(log.lines, ['one', 'two']);
  });

  it('reads a renamed file on beside the new one, as long as its writer writes there', async () => {
    await log.read();
    log.write('one\n');
    await log.read();
    log.write('two\n');
    log.rename();
    log.write('three\n', 'app.log.1');
    log.write('four\n');
    assert.equal((await log.read()).renamed, 1);
    assert.deepEqual(log.lines, ['one', 'two', 'three', 'four']);
    for (let i = 0; i < 12; i++) {
      log.write(`late ${i}\n`, 'app.log.1');
      await log.read();
    }
    log.write('without an end', 'app.log.1');
    assert.equal(log.lines.length, 16, 'far longer than it lingers');
    for (let i = 0; i < 12; i++) await log.read();
    assert.equal(log.lines.at(-1), 'without an end', 'the file has ended');
    log.write('nobody looks\n', 'app.log.1');
    await log.read();
    assert.equal(log.lines.length, 17);
  });

  it('lingers at a renamed file that was quiet for long before', async () => {
    log.write('old\n');
    await log.read();
    log.now += 3_600_000;
    log.rename();
    await log.read();
    log.write('one\n', 'app.log.1');
    await log.read();
    assert.deepEqual(log.lines, ['one']);
  });

  it('reads what came between the last batch and the copy from the copy', async () => {
    await log.read();
    log.write('one\ntw');
    await log.read();
    log.write('o\nthree\n');
    log.copyTruncate('app.log-20261125');
    log.write('four\n');
    assert.equal((await log.read()).truncated, 1);
    assert.deepEqual(log.lines, ['one', 'two', 'three', 'four']);
  });

  it('knows a truncated file that has grown beyond what it was, by its bytes', async () => {
    log.write(text(0, 10));
    await log.read();
    log.write(text(10, 12));
    log.copyTruncate();
    log.write(text(12, 100));
    assert.equal((await log.read()).truncated, 1);
    assert.deepEqual(log.lines, numbered(10, 100));
  });

  it('takes no other file for the copy', async () => {
    await log.read();
    log.write(text(0, 100));
    await log.read();
    log.write(text(200, 300), 'app.log.1');
    log.write(text(0, 99), 'app.log.2');
    log.write(text(0, 300), 'app.log.3.gz');
    log.write(text(0, 300), 'other.log');
    mkdirSync(join(log.directory, 'app.log.d'));
    log.write(text(100, 110));
    truncateSync(log.path);
    log.write('after\n');
    await log.read();
    assert.deepEqual(log.lines, [...numbered(0, 100), 'after'], 'those of the file that was emptied by hand are lost');
  });

  it('follows a writer that goes on behind a hole where the file was truncated', async () => {
    const fd = openSync(log.path, 'w');
    try {
      writeSync(fd, 'old\n');
      await log.read();
      writeSync(fd, text(0, 1000));
      await log.read();
      writeSync(fd, text(1000, 1010));
      log.copyTruncate();
      writeSync(fd, text(1010, 1020));
      assert.equal((await log.read()).truncated, 1);
      assert.deepEqual(log.lines, numbered(0, 1020));
      assert.equal(readFileSync(log.path)[0], 0);
      // And when the batch comes before the writer writes again: the hole is not read.
      log.copyTruncate('app.log.2');
      await log.read();
      writeSync(fd, text(1020, 1030));
      const { bytes, truncated } = await log.read();
      assert.deepEqual([bytes, truncated], [text(1020, 1030).length, 0]);
      ftruncateSync(fd, 0);
      writeSync(fd, text(1030, 1040));
      await log.read();
      assert.deepEqual(log.lines, numbered(0, 1040));
      // A line that was cut is one line, also when its end comes after a batch that found the file empty.
      writeSync(fd, 'line 10');
      await log.read();
      ftruncateSync(fd, 0);
      await log.read();
      writeSync(fd, '40\n');
      await log.read();
      assert.deepEqual(log.lines, numbered(0, 1041));
    } finally {
      closeSync(fd);
    }
  });

  it('counts nothing again when a file gets its name back, or is written anew with what it had', async () => {
    await log.read();
    log.write(text(0, 100));
    await log.read();
    log.rename();
    await log.read();
    renameSync(join(log.directory, 'app.log.1'), log.path);
    log.write(text(100, 110));
    await log.read();
    assert.deepEqual(log.lines, numbered(0, 110), 'within the time that it lingers');

    log.rename();
    for (let i = 0; i < 20; i++) await log.read();
    renameSync(join(log.directory, 'app.log.1'), log.path);
    log.write(text(110, 120));
    await log.read();
    assert.deepEqual(log.lines, numbered(0, 120), 'long after it was given up');

    writeFileSync(join(log.directory, 'new'), readFileSync(log.path));
    renameSync(join(log.directory, 'new'), log.path);
    log.write('edited\n');
    await log.read();
    assert.deepEqual(log.lines, [...numbered(0, 120), 'edited'], 'saved by an editor');
  });

  it('tells what is no file or may not be read, and begins at the end when it may', async () => {
    mkdirSync(log.path);
    await assert.rejects(log.read(), { message: `cannot read ${log.path}: it is no regular file (EINVAL)` });
    rmSync(log.path, { recursive: true });
    log.write('old\n');
    await log.read();
    log.write('one\n');
    await log.read();
    assert.deepEqual(log.lines, ['one']);
  });

  it('stops between two chunks when it must, and goes on there', async () => {
    await log.read();
    log.write(text(0, 100_000));
    const stop = new AbortController();
    const gone: string[] = [];
    const ending = await log.tail.read((batch) => {
      gone.push(...batch.lines);
      stop.abort();
    }, stop.signal);
    assert.equal(ending, 'more');
    await log.read();
    assert.ok(gone.length > 1000 && gone.length < 100_000);
    assert.deepEqual([...gone, ...log.lines], numbered(0, 100_000));
  });
});

describe('a tail of a log that is too much', () => {
  it('skips to the end, counts the bytes, and begins with a whole line', async () => {
    const log = new Following({ maxBatch: 100_000 });
    await log.read();
    log.write(text(0, 200_000));
    const { bytes, skippedBytes } = await log.read();
    assert.equal(bytes + skippedBytes, text(0, 200_000).length);
    assert.ok(bytes >= 100_000 && bytes < 100_000 + (256 << 10));
    log.write('after\n');
    await log.read();
    assert.equal(log.lines.at(-1), 'after');
    assert.match(log.lines.at(-2)!, /^line \d+$/);
    await log.end();
  });

  it('keeps the beginning of endless lines only', async () => {
    const log = new Following({ maxLine: 100 });
    await log.read();
    for (let i = 0; i < 30; i++) {
      log.write('x'.repeat(100_000));
      await log.read();
    }
    log.write('\nnext\n');
    await log.read();
    assert.deepEqual(log.lines, ['x'.repeat(100), 'next']);
    assert.equal(log.cut, 1);
    await log.end();
  });
});

describe('lines', () => {
  it('that are not UTF-8 are counted, each once', () => {
    const splitter = new LineSplitter(100);
    const { lines, invalid } = splitter.push(Buffer.from('caf\xc3\xa9\nbad \xff\xfe\n\xc3\n', 'latin1'));
    assert.deepEqual(lines, ['café', 'bad \ufffd\ufffd', '\ufffd']);
    assert.equal(invalid, 2);
    splitter.push(Buffer.from('caf\xc3', 'latin1'));
    assert.deepEqual(splitter.push(Buffer.from('\xa9\n', 'latin1')), { lines: ['café'], invalid: 0, cut: 0 });
  });

  it('are the same however the bytes come', () => {
    const piece = fc.oneof(fc.constantFrom('\n', '\r\n', '\0', 'é', '\xff'), fc.string({ maxLength: 30 }));
    const pieces = fc
      .array(piece, { maxLength: 40 })
      .map((all) => Buffer.concat(all.map((p) => (p === '\xff' ? Buffer.of(0xff) : Buffer.from(p)))));
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(20), { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (bytes, sizes, maxLine) => {
        const whole = new LineSplitter(maxLine).push(Buffer.concat([bytes, Buffer.from('\n')]));
        const splitter = new LineSplitter(maxLine);
        const lines: string[] = [];
        let [invalid, cut] = [0, 0];
        const take = (l: typeof whole) => {
          lines.push(...l.lines);
          invalid += l.invalid;
          cut += l.cut;
        };
        let at = 0;
        for (const size of sizes) take(splitter.push(bytes.subarray(at, (at += size))));
        take(splitter.push(Buffer.concat([bytes.subarray(at), Buffer.from('\n')])));
        assert.deepEqual({ lines, invalid, cut }, whole);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a tail of a log that is rotated at will', () => {
  /** A file is rotated again only when some of it has been read: what the tail promises. */
  it('gives every line exactly once', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), lines: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 4, arbitrary: fc.constant({ do: 'read' as const, lines: 0 }) },
      { weight: 1, arbitrary: fc.constant({ do: 'rename' as const, lines: 0 }) },
      { weight: 1, arbitrary: fc.constant({ do: 'copytruncate' as const, lines: 0 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const log = new Following();
        try {
          log.write('old\n');
          await log.read();
          let [written, rotations, seen] = [0, 0, 0];
          for (const { do: what, lines } of steps) {
            if (what === 'write') {
              log.write(text(written, written + lines));
              written += lines;
            } else if (what === 'read') {
              await log.read();
            } else if (log.lines.length > seen) {
              seen = written;
              if (what === 'rename') log.rename(`app.log.${++rotations}`);
              else log.copyTruncate(`app.log.${++rotations}`);
              log.write('');
            }
          }
          await log.read();
          const order = (line: string) => Number(line.slice(5));
          assert.deepEqual(
            [...log.lines].sort((a, b) => order(a) - order(b)),
            written === 0 ? [] : numbered(0, written),
          );
        } finally {
          await log.end();
        }
      }),
      { numRuns: 60 },
    );
  });
});
