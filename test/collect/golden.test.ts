/** The whole /metrics of a host with every source, and of one with none. UPDATE_GOLDEN=1 writes them anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mock, test } from 'node:test';
import type { Collector, Reading } from '../../src/collect/collector.ts';
import { collectors } from '../../src/collect/index.ts';
import { Runner } from '../../src/collect/runner.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import { Exposition } from '../../src/metrics/exposition.ts';
import { JudgeFamilies } from '../../src/report/families.ts';
import { fakeView } from '../report/fake-view.ts';
import { recordedHost } from './recorded-host.ts';

/** /metrics after one reading of every collector, each of which gives that. */
async function exposed(reading: (name: string) => Reading<unknown>): Promise<string> {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1000 });
  try {
    return await rendered(reading);
  } finally {
    mock.timers.reset();
  }
}

async function rendered(reading: (name: string) => Reading<unknown>): Promise<string> {
  const played: readonly Collector[] = collectors.map((c) => ({
    ...c,
    open: () => ({ read: async () => reading(c.name), close: () => undefined }),
  }));
  const runner = new Runner({
    collectors: played,
    context: { clock: () => Date.now(), log: () => undefined, nics: () => [], edge: () => ({}) },
    random: () => 0,
    wallOffsetMs: () => 0,
    onEvidence: () => undefined,
  });
  runner.apply(Object.fromEntries(collectors.map((c) => [c.name, blockSchema(c).parse({}) as never])));
  for (let gone = 0; gone < 400; gone += 50) {
    mock.timers.tick(50);
    for (let i = 0; i < 50; i++) await Promise.resolve();
  }
  const families = [...new JudgeFamilies(fakeView({})).families(), ...runner.families()];
  const text = new Exposition({ cluster: 'edge-1', server: 'lb-01' }).render(families, 'text').toString();
  await runner.stop();
  return text.replace(process.version, 'v24.0.0');
}

function golden(name: string, text: string): void {
  const file = new URL(`../fixtures/metrics/${name}.txt`, import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
}

/** Families in a text that have samples. */
const families = (text: string) => [...new Set([...text.matchAll(/^(\w+?)(?:_bucket|_sum|_count)?\{/gm)].map((m) => m[1]!))];

test('a host with every source', async () => {
  const host = await recordedHost();
  const text = await exposed((name) => ({ state: 'data', data: host.get(name) }));
  for (const { name } of collectors)
    assert.match(text, new RegExp(`^fourlane_collector_state\\{.*collector="${name}", ?state="data"\\} 1$`, 'm'));
  golden('host-every-source', text);
});

test('a host with none: the agent, its NICs and the states of collectors, nothing else', async () => {
  const text = await exposed((name) => ({ state: 'absent', reason: `no ${name}` }));
  golden('host-no-source', text);
  const own = new Set(new JudgeFamilies(fakeView({})).families().map((f) => f.name));
  assert.deepEqual(
    families(text).filter((f) => !own.has(f) && !f.startsWith('fourlane_collector_')),
    [],
  );
});
