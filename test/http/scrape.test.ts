import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Scraper } from '../../src/http/scrape.ts';
import type { Family } from '../../src/model/family.ts';

function counting() {
  const state = { renderings: 0, labels: { cluster: 'a' } };
  const rows = [[]];
  const source = {
    families: (): readonly Family[] => {
      state.renderings++;
      return [{ name: 'x', help: 'x', type: 'gauge', labelNames: [], rows, values: [state.renderings] }];
    },
  };
  return { state, scraper: new Scraper(source, () => state.labels) };
}

test('scrapes alike at one time share one rendering, also the compressed ones', async () => {
  const { state, scraper } = counting();
  const bodies = await Promise.all([1, 2, 3].flatMap(() => [scraper.scrape('text', false), scraper.scrape('text', true)]));
  assert.equal(state.renderings, 1);
  assert.ok(gunzipSync(bodies[1]!.bytes).equals(bodies[0]!.bytes));
});

test('the next scrape is a new one', async () => {
  const { scraper } = counting();
  const texts: string[] = [];
  for (let i = 0; i < 3; i++) {
    const body = await scraper.scrape('text', false);
    texts.push(body.bytes.toString());
    body.release();
  }
  assert.deepEqual(
    texts.map((t) => t.match(/\} (\d)/)?.[1]),
    ['1', '2', '3'],
  );
});

test('a body is not written over while one of its readers still reads', async () => {
  const { scraper } = counting();
  const [one, two] = await Promise.all([scraper.scrape('text', false), scraper.scrape('text', false)]);
  const text = one.bytes.toString();
  one.release();
  for (let i = 0; i < 4; i++) (await scraper.scrape('text', false)).release();
  assert.equal(two.bytes.toString(), text);
});

test('labels that change with a reload are rendered anew', async () => {
  const { state, scraper } = counting();
  const before = await scraper.scrape('text', false);
  state.labels = { cluster: 'b' };
  const after = await scraper.scrape('text', false);
  before.release();
  assert.match(after.bytes.toString(), /cluster="b"/);
});

test('a source that throws fails its scrape and not the next', async () => {
  let broken = true;
  const families = (): readonly Family[] => {
    if (broken) throw new Error('broken');
    return [];
  };
  const scraper = new Scraper({ families }, () => ({}));
  await assert.rejects(scraper.scrape('text', true), /broken/);
  broken = false;
  assert.equal((await scraper.scrape('text', false)).bytes.length, 0);
});
