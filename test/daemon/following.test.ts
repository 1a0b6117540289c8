/** An import's files over time: a change counts once it has settled, whatever it is. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Following, look, type Watched } from '../../src/daemon/following.ts';
import { until } from '../system/harness.ts';

const files = (...texts: string[]) => new Map(texts.map((text, i) => [`/f${i}`, text]));

test('what does not change is never loaded again', () => {
  let known: Watched = { seen: new Map() };
  for (let now = 0; now < 10_000; now += 250) {
    const [next, isDue] = look(known, files('a', 'b'), now);
    assert.equal(isDue, false);
    known = next;
  }
});

test('a change is loaded a second after the last one, once', () => {
  let known: Watched = { seen: files('a', 'b') };
  const due: number[] = [];
  for (let now = 0; now < 10_000; now += 250) {
    const text = now < 1000 ? 'a' : now < 2600 ? `a${now}` : 'done';
    const [next, isDue] = look(known, files(text, 'b'), now);
    if (isDue) due.push(now);
    known = next;
  }
  assert.deepEqual(due, [3750]);
});

test('files that come to be followed are no change, those that go missing are', () => {
  const [known, isDue] = look({ seen: files('a') }, files('a', 'new'), 0);
  assert.deepEqual([known, isDue], [{ seen: files('a', 'new') }, false]);
  assert.equal(look(known, files('a', 'ENOENT'), 100)[0].changedAt, 100);
});

test('real files: replaced in one step, and one that appears', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-following-'));
  const [file, later] = [join(dir, 'a'), join(dir, 'b')];
  writeFileSync(file, 'a');
  let changes = 0;
  const following = new Following({ paths: () => [file, later], changed: () => changes++, clock: () => performance.now() });
  try {
    await new Promise((resolve) => setTimeout(resolve, 600));
    writeFileSync(`${file}.new`, 'b');
    renameSync(`${file}.new`, file);
    await until('the first change', 5000, () => changes === 1);
    writeFileSync(later, 'x');
    await until('the second change', 5000, () => changes === 2);
  } finally {
    await following.stop();
    rmSync(dir, { recursive: true });
  }
});
