import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Exposition, type Format } from '../../src/metrics/exposition.ts';
import type { Family } from '../../src/model/family.ts';

const gauge = (over: Partial<Family> = {}): Family => ({
  name: 'fourlane_x',
  help: 'An x.',
  type: 'gauge',
  labelNames: ['a'],
  rows: [['1'], ['2']],
  values: [1, 2],
  ...over,
});

function fresh(families: readonly Family[], format: Format = 'text', constant = {}): string {
  return new Exposition(constant).render(families, format).toString();
}

test('text: constant labels first, one line per series', () => {
  assert.equal(
    fresh([gauge()], 'text', { cluster: 'c', server: 's' }),
    '# HELP fourlane_x An x.\n# TYPE fourlane_x gauge\nfourlane_x{cluster="c",server="s",a="1"} ' +
      '1\nfourlane_x{cluster="c",server="s",a="2"} 2\n',
  );
});

test('without labels there are no braces', () => {
  assert.match(fresh([gauge({ labelNames: [], rows: [[]], values: [0.5] })]), /^fourlane_x 0\.5$/m);
});

test('label values and help are escaped; OpenMetrics escapes quotes in help too', () => {
  const odd = gauge({ help: 'a\\b\n"c"', rows: [['q"b\\n\nü☃']], values: [1] });
  assert.match(fresh([odd]), /^# HELP fourlane_x a\\\\b\\n"c"$/m);
  assert.match(fresh([odd], 'openmetrics'), /^# HELP fourlane_x a\\\\b\\n\\"c\\"$/m);
  assert.match(fresh([odd]), /^fourlane_x\{a="q\\"b\\\\n\\nü☃"\} 1$/m);
});

test('OpenMetrics names a counter family without _total, its samples with it, gives units, and ends', () => {
  const counter = gauge({ name: 'fourlane_busy_seconds_total', type: 'counter' });
  assert.equal(
    fresh([counter], 'openmetrics'),
    '# TYPE fourlane_busy_seconds counter\n# UNIT fourlane_busy_seconds seconds\n# HELP fourlane_busy_seconds An x.\n' +
      'fourlane_busy_seconds_total{a="1"} 1\nfourlane_busy_seconds_total{a="2"} 2\n# EOF\n',
  );
  assert.match(fresh([counter]), /^# TYPE fourlane_busy_seconds_total counter$/m);
});

test('histograms are cumulative and count what they hold', () => {
  const histogram = gauge({
    name: 'fourlane_h_seconds',
    type: 'histogram',
    rows: [['1']],
    bounds: [0.1, 1],
    values: [3, 2, 1, 4.5],
  });
  const lines = fresh([histogram]).split('\n').slice(2, -1);
  assert.deepEqual(lines, [
    'fourlane_h_seconds_bucket{a="1",le="0.1"} 3',
    'fourlane_h_seconds_bucket{a="1",le="1.0"} 5',
    'fourlane_h_seconds_bucket{a="1",le="+Inf"} 6',
    'fourlane_h_seconds_sum{a="1"} 4.5',
    'fourlane_h_seconds_count{a="1"} 6',
  ]);
});

test('a histogram row with NaN is left out whole', () => {
  const histogram = gauge({ type: 'histogram', bounds: [1], values: [3, 2, Number.NaN, 1, 1, 9] });
  assert.deepEqual(fresh([histogram]).match(/a="\d"/g), ['a="2"', 'a="2"', 'a="2"', 'a="2"']);
});

test('BigInt values are exact to the last digit', () => {
  const values = BigUint64Array.of(2n ** 53n + 1n, 2n ** 64n - 1n);
  const exposition = new Exposition({});
  const big = gauge({ values });
  assert.match(exposition.render([big], 'text').toString(), /"1"} 9007199254740993\n.*"2"} 18446744073709551615\n/);
  values[0] = 2n ** 53n + 2n; // the same double as before
  assert.match(exposition.render([big], 'text').toString(), /"1"} 9007199254740994\n/);
});

test('families of one name share one TYPE line; families without series are left out', () => {
  const text = fresh([gauge(), gauge({ name: 'fourlane_none', rows: [] }), gauge({ rows: [['3']], values: [3] })]);
  assert.equal(text.match(/# TYPE/g)?.length, 1);
  assert.match(text, /"2"} 2\nfourlane_x\{a="3"\} 3\n$/);
});

test('rendering again after any change gives what a fresh rendering gives', () => {
  const number = fc.oneof(
    fc.integer({ min: 0, max: 2000 }),
    fc.double(),
    fc.constantFrom(Number.NaN, 0, -0, -5, 2 ** 53, 1e300, Infinity),
  );
  const step = fc.record({
    format: fc.constantFrom<Format>('text', 'openmetrics'),
    release: fc.boolean(),
    scalars: fc.array(number, { minLength: 6, maxLength: 6 }),
    big: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 2, maxLength: 2 }),
    histogram: fc.array(number, { minLength: 8, maxLength: 8 }),
    rows: fc.integer({ min: 0, max: 2 }),
  });
  const variants = [[['1'], ['2']], [['2']], []];
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), (steps) => {
      const exposition = new Exposition({ c: 'd' });
      const rows = Array.from({ length: 6 }, (_, i) => [`r${i}`]);
      const kept: { readonly body: Buffer; readonly text: string }[] = [];
      for (const { format, release, scalars, big, histogram, rows: variant } of steps) {
        const families = [
          gauge({ name: 'a', rows, values: scalars }),
          gauge({ name: 'b', values: BigUint64Array.from(big) }),
          gauge({ name: 'h', type: 'histogram', bounds: [0.5, 2], values: histogram }),
          gauge({ name: 'v', rows: variants[variant]! }),
        ];
        const body = exposition.render(families, format);
        const text = body.toString();
        assert.equal(text, fresh(families, format, { c: 'd' }));
        if (release) exposition.release(body);
        else kept.push({ body, text });
      }
      for (const { body, text } of kept) assert.equal(body.toString(), text, 'a body that was not given back stays as it was');
    }),
    { numRuns: 300 },
  );
});

test('a body is not written over before it is given back, and its memory is used again after', () => {
  const exposition = new Exposition({});
  const bodies = [1, 2, 3].map((v) => exposition.render([gauge({ values: [v, v] })], 'text'));
  assert.equal(new Set(bodies.map((b) => b.buffer)).size, 3);
  for (const body of bodies) exposition.release(body);
  const again = [4, 5].map((v) => {
    const body = exposition.render([gauge({ values: [v, v] })], 'text');
    exposition.release(body);
    return body;
  });
  assert.ok(again.every((b) => bodies.some((old) => old.buffer === b.buffer)));
});
