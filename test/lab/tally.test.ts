import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Counted, phaseSpans, type Sent, tally } from '../../src/lab/tally.ts';

const request = (began: number, ended: number | undefined, error = '', service = 'web1'): Sent => ({
  service,
  began,
  ...(ended === undefined ? {} : { outcome: { at: ended, error } }),
});
const log = [
  request(90, 100, 'before'),
  request(95, 200, 'over all'),
  request(99, 110, 'into'),
  request(100, 149),
  request(120, 150, 'out of'),
  request(149, undefined),
  request(150, 151, 'after'),
];
const seen = (counted?: Counted) => {
  const { sent, ok, failed, pending, errors } = tally(log, ['web1'], 100, 150, counted)['web1']!;
  return [sent, ok, failed, pending, Object.keys(errors).join()];
};

test('a span counts the requests that began in it, those that ended in it too, or those that it met under way', () => {
  assert.deepEqual(seen(), [3, 1, 1, 1, 'out of']);
  assert.deepEqual(seen('whole'), [1, 1, 0, 0, '']);
  assert.deepEqual(seen('underWay'), [6, 1, 4, 1, 'before,over all,into,out of']);
});

test('before, during and after a fault: every request is counted once, wherever the borders are', () => {
  for (let fault = 80; fault <= 210; fault++) {
    for (let healed = fault; healed <= 210; healed++) {
      const spans = Object.values(phaseSpans(0, fault, healed, 300));
      const sent = spans.map((span) => tally(log, ['web1'], ...span)['web1']!.sent);
      assert.equal(sent[0]! + sent[1]! + sent[2]!, log.length, `${fault} ${healed}: ${sent.join()}`);
    }
  }
});

test('services are counted apart, errors by name; a service without requests is there', () => {
  const sent = [request(1, 2, 'timeout', 'all'), request(2, 3, 'timeout', 'all'), request(2, 3)];
  assert.deepEqual(tally(sent, ['web1', 'all', 'web2'], 0, 10), {
    web1: { sent: 1, ok: 1, failed: 0, pending: 0, errors: {} },
    all: { sent: 2, ok: 0, failed: 2, pending: 0, errors: { timeout: 2 } },
    web2: { sent: 0, ok: 0, failed: 0, pending: 0, errors: {} },
  });
});
