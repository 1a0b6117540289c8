import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Fifo } from '../../src/sys/fifo.ts';
import { FifoStream } from '../../src/sys/fifo-stream.ts';
import { until } from '../../src/lab/until.ts';

const OPTIONS = { mode: 0o600, maxLine: 100 };
const dir = mkdtempSync(join(tmpdir(), 'fourlane-stream-'));
after(() => rmSync(dir, { recursive: true }));

test('lines are taken as they come, whoever writes them and however often; another FIFO at the path is noticed', async () => {
  const path = join(dir, 'fifo');
  const lines: string[] = [];
  const stream = await FifoStream.open(path, OPTIONS, (line) => void lines.push(line));
  try {
    for (const text of ['RS a', ' UP\nRS b DOWN\n', 'last\n']) {
      const handle = await open(path, 'w');
      await handle.write(text);
      await handle.close();
    }
    await until('all lines', 2000, () => lines.length === 3);
    assert.deepEqual(lines, ['RS a UP', 'RS b DOWN', 'last']);
    assert.equal(await stream.isCurrent(), true);
    await assert.rejects(
      FifoStream.open(path, OPTIONS, () => undefined),
      /another process reads it/,
    );
    unlinkSync(path);
    const other = await Fifo.open(path, OPTIONS);
    assert.equal(await stream.isCurrent(), false);
    await other.close();
  } finally {
    await stream.close();
  }
});
