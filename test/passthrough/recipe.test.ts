/** The line of docs/passthrough.md that makes metrics of the counters of the TOA module, on counters recorded on Linux 6.1. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('the recipe for toa_stats adds up the CPUs, one series for each counter', () => {
  const page = readFileSync(file('../../docs/passthrough.md'), 'utf8');
  const [, program] = /^awk '([^\n]+)' \/proc\/net\/toa_stats/m.exec(page)!;
  const { stdout, stderr } = spawnSync('awk', [program!, file('../fixtures/passthrough/toa_stats')], { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trim().split('\n'), [
    'toa_stats_total{counter="syn_recv_sock_toa"} 3',
    'toa_stats_total{counter="syn_recv_sock_no_toa"} 4',
    'toa_stats_total{counter="getname_toa_ok"} 6',
    'toa_stats_total{counter="getname_toa_mismatch"} 0',
    'toa_stats_total{counter="getname_toa_bypass"} 0',
    'toa_stats_total{counter="getname_toa_empty"} 10',
    'toa_stats_total{counter="ip6_address_alloc"} 1',
    'toa_stats_total{counter="ip6_address_free"} 1',
  ]);
});
