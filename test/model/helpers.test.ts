/** Small parts that every room uses. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Backoff, pauseAfter, spread } from '../../src/model/backoff.ts';
import { Once } from '../../src/model/change-log.ts';
import { counter, family, gauge, histogram, ONE_ROW } from '../../src/model/family.ts';
import { Histogram } from '../../src/model/histogram.ts';
import { nameOf, subjectText } from '../../src/model/subject.ts';
import type { Subject } from '../../src/model/verdict.ts';

describe('pauses after failures', () => {
  it('double up to the longest, and begin again after a success', () => {
    const backoff = new Backoff(100, 1000);
    const pauses = () => Array.from({ length: 6 }, () => backoff.next());
    assert.deepEqual(pauses(), [100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    assert.equal(backoff.next(), 100);
    assert.equal(pauseAfter(2000, 100, 1000), 1000, 'no number is too large');
    assert.equal(pauseAfter(1, 5000, 1000), 1000);
  });

  it('are spread by a quarter to either side', () => {
    assert.deepEqual([spread(100, 0), spread(100, 0.5)], [75, 100]);
    assert.ok(spread(100, 0.999_999) < 125);
  });
});

describe('what lasts', () => {
  it('is reported once, again when it is another thing, and when it is over', () => {
    const said: string[] = [];
    const once = new Once(
      (text) => said.push(text),
      () => said.push('over'),
    );
    for (const text of ['', 'a', 'a', 'b', 'a', '', '', 'a']) once.set(text);
    assert.deepEqual(said, ['a', 'b', 'a', 'over', 'a']);
    assert.equal(once.text, 'a');
  });
});

describe('families', () => {
  it('have the prefix, a type and labels; bounds only where there are some', () => {
    const metric = gauge('x', 'X.', ['nic']);
    assert.deepEqual(metric, { name: 'fourlane_x', help: 'X.', type: 'gauge', labelNames: ['nic'] });
    assert.deepEqual(
      [counter('y_total', '').type, histogram('z', '').type, histogram('z', '').labelNames],
      ['counter', 'histogram', []],
    );
    assert.deepEqual(family(metric, [['a']], [1]), { ...metric, rows: [['a']], values: [1] });
    assert.deepEqual(family(histogram('z', ''), ONE_ROW, [0, 0], []).bounds, []);
  });
});

describe('a histogram', () => {
  it('counts up to and including a bound, above all of them, and sums, per series', () => {
    const h = new Histogram([1, 2], 2);
    for (const value of [0.5, 1, 1.5, 2, 2.5]) h.observe(value, 1);
    h.observe(9);
    assert.deepEqual([...h.values], [0, 0, 1, 9, 2, 2, 1, 7.5]);
  });
});

describe('subjects', () => {
  it('have a name for the log and one for people', () => {
    const subjects: readonly [Subject, name: string, text: string][] = [
      [{ subject: 'nic', nic: 'eth2' }, 'nic eth2', 'eth2'],
      [{ subject: 'rs', rs: '10.1.0.1:80' }, 'rs 10.1.0.1:80', '10.1.0.1:80'],
      [{ subject: 'path', nic: 'eth2', rs: '10.1.0.1:80' }, 'path eth2 → 10.1.0.1:80', 'eth2 → 10.1.0.1:80'],
      [{ subject: 'rack', rack: 'r7' }, 'rack r7', 'rack r7'],
      [{ subject: 'agent' }, 'agent', 'this agent'],
    ];
    for (const [subject, name, text] of subjects) assert.deepEqual([nameOf(subject), subjectText(subject)], [name, text]);
  });
});
