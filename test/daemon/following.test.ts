/** An import's files over time: a change counts once it has settled, whatever it is. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Following, look, type Watched } from '../../src/daemon/following.ts';
import { pathVersionSync } from '../../src/config/path-version.ts';
import { until } from '../system/harness.ts';

const files = (...texts: string[]) => new Map(texts.map((text, i) => [`/f${i}`, text]));

test('what does not change is never loaded again', () => {
  let known: Watched = { seen: files('a', 'b') };
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

test('what goes missing, or comes to be, is a change', () => {
  const known = { seen: files('a', 'ENOENT') };
  assert.equal(look(known, files('a', 'ENOENT'), 100)[0].changedAt, undefined);
  assert.equal(look(known, files('ENOENT', 'ENOENT'), 100)[0].changedAt, 100);
  assert.equal(look(known, files('a', 'b'), 100)[0].changedAt, 100);
});

/** Follows a file and one that is not there; `changes` as they are told. */
function stage() {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-following-'));
  const [file, later] = [join(dir, 'a'), join(dir, 'b')];
  const replace = (text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  replace('a');
  const read = () => new Map([file, later].map((path) => [path, pathVersionSync(path)]));
  const state = { changes: 0 };
  const first = read();
  const begin = () => new Following({ first, changed: () => state.changes++, clock: () => performance.now() });
  const end = async (following: Following) => {
    await following.stop();
    rmSync(dir, { recursive: true });
  };
  return { file, later, replace, read, state, begin, end };
}
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('real files: replaced in one step, and one that appears', async () => {
  const { later, replace, read, state, begin, end } = stage();
  const following = begin();
  try {
    await wait(600);
    replace('b');
    await until('the first change', 5000, () => state.changes === 1);
    following.read(read());
    writeFileSync(later, 'x');
    await until('the second change', 5000, () => state.changes === 2);
  } finally {
    await end(following);
  }
});

test('what changed before the first look, or between a reading and the look after it, is loaded too', async () => {
  const { file, later, replace, read, state, begin, end } = stage();
  replace('while the agent waited for something else');
  const following = begin();
  try {
    await until('the change before the start', 5000, () => state.changes === 1);
    const asRead = read();
    writeFileSync(later, 'while it was being read');
    following.read(asRead);
    await until('the change during the reading', 5000, () => state.changes === 2);
    following.read(read());
    await wait(1600);
    assert.equal(state.changes, 2, 'what was read is no change');
    // Only what was read last is followed.
    following.read(new Map([[later, pathVersionSync(later)]]));
    appendFileSync(file, 'more');
    await wait(1600);
    assert.equal(state.changes, 2);
  } finally {
    await end(following);
  }
});
