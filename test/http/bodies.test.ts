import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bodies, type Body } from '../../src/http/bodies.ts';

const LIMITS = { mostBytes: 1000, mostKeys: 3, patienceMs: 200 };

/** Bodies of a given size; `freed` counts those whose memory was given back. */
function stage() {
  const state = { made: [] as string[], freed: 0 };
  const bodies = new Bodies(LIMITS);
  const take = (moment: number, key: string, size = 10): Promise<Body> =>
    bodies.take(moment, key, () => {
      state.made.push(`${key}@${moment}`);
      return { bytes: Buffer.alloc(size), free: () => void state.freed++ };
    });
  return { state, bodies, take };
}

test('one rendering for all who ask the same of one moment, another one for the next moment', async () => {
  const { state, bodies, take } = stage();
  const all: Body[] = await Promise.all([take(1, 'a'), take(1, 'a'), take(1, 'b')]);
  all.push(await take(1, 'a'));
  assert.deepEqual(state.made, ['a@1', 'b@1']);
  assert.equal(all[0]!.bytes, all[3]!.bytes);
  all.push(await take(2, 'a'));
  assert.deepEqual(state.made, ['a@1', 'b@1', 'a@2']);
  assert.equal(bodies.bytes, 30, 'the former one is still being read');
  for (const body of all) body.release();
  assert.deepEqual([bodies.bytes, state.freed], [20, 1], 'what belongs to the present moment is kept');
});

test('while readers hold too much nothing is made, and when they let go it is', async () => {
  const { state, take } = stage();
  const held = await take(1, 'big', 1001);
  const later = take(2, 'big', 1001);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(state.made, ['big@1']);
  held.release();
  (await later).release();
  assert.deepEqual([state.made, state.freed], [['big@1', 'big@2'], 1]);
});

test('who waits in vain is told to come again, and the next one is served', async () => {
  const { take } = stage();
  const held = await take(1, 'big', 1001);
  await assert.rejects(take(2, 'other'), { code: 'OVERLOADED' });
  held.release();
  (await take(2, 'other')).release();
});

test('what nobody reads makes room', async () => {
  const { bodies, take } = stage();
  (await take(1, 'big', 1001)).release();
  assert.equal(bodies.bytes, 1001);
  (await take(1, 'small', 10)).release();
  assert.equal(bodies.bytes, 10);
});

test('many different questions about one moment are not all kept', async () => {
  const { bodies, take } = stage();
  for (let k = 0; k < 50; k++) (await take(1, `key ${k}`)).release();
  assert.ok(bodies.bytes <= 10 * (LIMITS.mostKeys + 1), `${bodies.bytes} bytes`);
});

test('a rendering that throws fails those who asked for it, and the next is another try', async () => {
  const { take, bodies } = stage();
  const broken = () =>
    bodies.take(1, 'a', () => {
      throw new Error('broken');
    });
  await Promise.all([assert.rejects(broken(), /broken/), assert.rejects(broken(), /broken/)]);
  (await take(1, 'a')).release();
  assert.equal(bodies.bytes, 10);
});
