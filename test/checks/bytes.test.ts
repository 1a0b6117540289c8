import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StreamSearch } from '../../src/checks/bytes.ts';

/** Few letters, so that needles begin in many places, and overlap themselves. */
const letters = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength }).map((text) => Buffer.from(text));

describe('a search in a stream', () => {
  it('finds a needle in whatever pieces it comes, as soon as its last byte is there', () => {
    const seen = { found: 0, across: 0, absent: 0 };
    fc.assert(
      fc.property(letters(1, 7), fc.array(letters(0, 9), { maxLength: 12 }), (needle, chunks) => {
        const search = new StreamSearch(needle);
        let before = Buffer.alloc(0);
        for (const chunk of chunks) {
          const all = Buffer.concat([before, chunk]);
          const expected = all.includes(needle);
          // The caller's buffer is used again for the next chunk.
          const reused = Buffer.from(chunk);
          assert.equal(search.feed(reused), expected);
          reused.fill('?');
          if (expected) {
            seen[chunk.includes(needle) ? 'found' : 'across']++;
            return;
          }
          before = all;
        }
        seen.absent++;
      }),
      { numRuns: 5000 },
    );
    for (const [what, times] of Object.entries(seen)) assert.ok(times > 100, `${what}: ${times}`);
  });
});
