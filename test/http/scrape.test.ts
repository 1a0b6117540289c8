import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Bodies } from '../../src/http/bodies.ts';
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
  return { state, scraper: new Scraper(new Bodies(), source, () => state.labels) };
}

test('scrapes alike of one moment share one rendering, also the compressed ones', async () => {
  const { state, scraper } = counting();
  const bodies = await Promise.all([1, 2, 3].flatMap(() => [scraper.scrape(7, 'text', false), scraper.scrape(7, 'text', true)]));
  assert.equal(state.renderings, 1);
  assert.ok(gunzipSync(bodies[1]!.bytes).equals(bodies[0]!.bytes));
});

test('a scrape of the next moment is a new one', async () => {
  const { scraper } = counting();
  const texts: string[] = [];
  for (let i = 0; i < 3; i++) {
    const body = await scraper.scrape(i, 'text', false);
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
  const [one, two] = await Promise.all([scraper.scrape(9, 'text', false), scraper.scrape(9, 'text', false)]);
  const text = one.bytes.toString();
  one.release();
  for (let i = 0; i < 4; i++) (await scraper.scrape(i, 'text', false)).release();
  assert.equal(two.bytes.toString(), text);
});

test('labels that change with a reload are rendered anew', async () => {
  const { state, scraper } = counting();
  const before = await scraper.scrape(1, 'text', false);
  state.labels = { cluster: 'b' };
  const after = await scraper.scrape(2, 'text', false);
  before.release();
  assert.match(after.bytes.toString(), /cluster="b"/);
});

test('a source that throws fails its scrape and not the next', async () => {
  let broken = true;
  const families = (): readonly Family[] => {
    if (broken) throw new Error('broken');
    return [];
  };
  const scraper = new Scraper(new Bodies(), { families }, () => ({}));
  await assert.rejects(scraper.scrape(1, 'text', true), /broken/);
  broken = false;
  assert.equal((await scraper.scrape(1, 'text', false)).bytes.length, 0);
});
