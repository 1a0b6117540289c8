import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Newest } from '../../src/model/newest.ts';

test('a look that began before another and ends after it is not taken', async () => {
  const ends: ((value: string) => void)[] = [];
  const found: string[] = [];
  const newest = new Newest(() => new Promise<string>((resolve) => ends.push(resolve)));
  assert.equal(newest.value, undefined);
  const looks = [1, 2, 3].map(() => newest.look((value) => found.push(value)));
  ends[1]!('second');
  assert.equal(await looks[1], 'second');
  ends[0]!('first');
  assert.equal(await looks[0], 'second', 'whoever began before goes on with what is newer');
  ends[2]!('third');
  assert.equal(await looks[2], 'third');
  assert.deepEqual([found, newest.value], [['second', 'third'], 'third']);
});

test('one that fails changes nothing', async () => {
  const results = [Promise.resolve('there'), Promise.reject(new Error('unreadable'))];
  const newest = new Newest(() => results.shift()!);
  await newest.look(() => undefined);
  await assert.rejects(
    newest.look(() => assert.fail()),
    /unreadable/,
  );
  assert.equal(newest.value, 'there');
});
