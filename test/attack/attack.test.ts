import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grown, histogram, quantile } from './histogram.ts';
import { missesOf } from './phase.ts';
import { rowOf } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { http } from './servers/http.ts';
import { tcp } from './servers/tcp.ts';
import { tls } from './servers/tls.ts';
import { renew } from './table.ts';

const phase = (more: object = {}) => ({ detection: [0.8, 1, 1.2], p99: 0.1, restarts: 0, peakMb: 250, ...more });

describe('an attack', () => {
  it('that changes nothing has no misses', () => assert.deepEqual(missesOf(phase(), phase()), []));

  it('is missed by what is slower, restarted, or larger than the control allows', () => {
    const at = (more: object) => missesOf(phase(), phase(more)).map((miss) => miss.replace(/ [\w.]+ > .*/, ''));
    assert.deepEqual(at({ detection: [0.8, 1.7, 1.9] }), ['median detection']);
    assert.deepEqual(at({ detection: [0.8, 1, 2.1] }), ['worst detection']);
    assert.deepEqual(at({ detection: [1, 1, Infinity] }), ['worst detection']);
    assert.deepEqual(at({ restarts: 1 }), ['lane restarts']);
    assert.deepEqual(at({ p99: 0.25 }), ['period p99']);
    assert.deepEqual(at({ p99: Number.NaN }), ['period p99']);
    assert.deepEqual(at({ peakMb: 351 }), ['RSS, MB']);
  });

  it('is a row of the table, with what was missed in bold', () => {
    const scenario = { family: 'regex', name: 'a|b', before: '–', run: () => Promise.reject(new Error('not run')) };
    assert.equal(rowOf(scenario, { control: 'c', now: 'n', misses: [] }), '| regex: a\\|b | – | c | n | pass |');
    assert.equal(rowOf(scenario, { control: 'c', now: 'n', misses: ['x', 'y'] }), '| regex: a\\|b | – | c | n | **x; y** |');
  });

  it('by real servers has its servers, and each has a name of its own', () => {
    const names = scenarios.map(({ family, name }) => `${family}: ${name}`);
    assert.equal(new Set(names).size, names.length);
    const served = { regex: http, http, tcp, tls };
    for (const [family, { hostile }] of Object.entries(served))
      for (const { name } of scenarios.filter((scenario) => scenario.family === family))
        assert.ok(name in hostile, `${family}: ${name}`);
  });
});

describe('the table of docs/attack.md', () => {
  const page = (...rows: string[]) => `before\n<!-- attack -->\n${rows.map((row) => `${row}\n`).join('')}<!-- /attack -->\nafter`;
  it('gets the rows of a run, in order, and keeps the others', () => {
    const first = renew(page(), ['head'], ['| b | 1 |', '| a | 1 |'], ['a', 'b', 'c']);
    assert.equal(first, page('head', '| a | 1 |', '| b | 1 |'));
    const second = renew(first, ['head 2'], ['| c | 2 |', '| a | 2 |'], ['a', 'b', 'c']);
    assert.equal(second, page('head 2', '| a | 2 |', '| b | 1 |', '| c | 2 |'));
    assert.equal(renew(second, ['head'], [], ['c']), page('head', '| c | 2 |'), 'what is not attacked any more is dropped');
  });
});

describe('a histogram of an exposition', () => {
  const text = (n: number) =>
    ['0.1', '0.5', '+Inf'].map((le, i) => `x_seconds_bucket{cluster="c",le="${le}"} ${[n, n + 8, n + 10][i]}`).join('\n');
  it('is read, and what came between two of them', () => {
    const between = grown(histogram(text(0), 'x_seconds'), histogram(text(100), 'x_seconds'));
    assert.deepEqual([...between], [[0.1, 100], [0.5, 100], [Infinity, 100]]); // biome-ignore format: pairs
    const first = histogram(text(0), 'x_seconds');
    assert.deepEqual(
      [0.5, 0.8, 0.99].map((q) => quantile(first, q)),
      [0.5, 0.5, Infinity],
    );
    assert.ok(Number.isNaN(quantile(histogram('', 'x'), 0.5)));
  });
});
