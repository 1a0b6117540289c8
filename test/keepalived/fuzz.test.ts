import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from '../../src/keepalived/config/config.ts';
import { cpuMs, fuzz } from './fuzzing.ts';

describe('reading a keepalived.conf', () => {
  it('stands mutated ones (npm run fuzz:keepalived: a million)', (t) => {
    const { inputs, slowestMs } = fuzz({ most: 100_000, budgetMs: 6000, seed: 7 });
    t.diagnostic(`${inputs} inputs, the slowest took ${slowestMs.toFixed(1)} ms`);
    assert.ok(inputs > 1000, `${inputs} inputs`);
  });

  /** ms on CPUs for a text, the better of two runs. */
  const cost = (text: string) => Math.min(...[0, 1].map(() => timed(text)));

  function timed(text: string): number {
    const started = cpuMs();
    readConfig('k', text);
    return cpuMs() - started;
  }

  const service = (i: number) =>
    `virtual_server 10.${i >> 16}.${(i >> 8) & 255}.${i & 255} 80 {\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n` +
    '  real_server 10.1.0.1 80 {\n    weight 1\n    TCP_CHECK {\n      connect_timeout 3\n    }\n  }\n}\n';

  it('takes under 1.5 s for 10 000 virtual servers, and time in proportion to the length', (t) => {
    const all = Array.from({ length: 10_000 }, (_, i) => service(i)).join('');
    const long = cost(all);
    assert.equal(readConfig('k', all).virtualServers.length, 10_000);
    t.diagnostic(`10 000 virtual servers, ${all.length} characters: ${long.toFixed(0)} ms`);
    assert.ok(long < 1500, `${long} ms`);
  });

  it('takes time in proportion to the length, whatever is written again and again', () => {
    for (const part of [
      '{',
      '}',
      '{}',
      '"',
      '\\#',
      '$A=$A$A\n$A ',
      '~SEQ(i,1,9) ',
      'vrrp_instance x {\n',
      'priority 1 priority 1 ',
      '@a ',
    ]) {
      const of = (length: number) => cost(part.repeat(length / part.length));
      const [short, long] = [of(1 << 17), of(1 << 20)];
      assert.ok(
        long < 40 * short + 200,
        `${JSON.stringify(part)}: ${short.toFixed(0)} ms, eight times as much ${long.toFixed(0)} ms`,
      );
    }
  });
});
