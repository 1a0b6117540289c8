/**
 * A process of its own that asks a DPDK application 100 000 times and connects 1000 times, and prints what it holds before and
 * after.
 */
import { readdirSync } from 'node:fs';
import { TelemetryClient } from '../../src/collect/telemetry/client.ts';
import { contract } from '../../src/collect/telemetry/commands.ts';

/** In MiB, after a garbage collection. */
export interface Held {
  readonly rss: number;
  readonly heap: number;
  readonly fds: number;
}

const QUERIES = 100_000;
const never = new AbortController().signal;

function held(): Held {
  (globalThis as unknown as { gc(): void }).gc();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20, fds: readdirSync('/proc/self/fd').length };
}

async function ask(path: string): Promise<void> {
  const { latency } = contract('/tdlb');
  const client = new TelemetryClient(path, { greetingMs: 5000, answerMs: 5000 });
  const session = await client.session(never);
  const results: Held[] = [];
  const started = performance.now();
  for (let i = 1; i <= QUERIES; i++) {
    const { value } = await session.request(latency(1 + (i & 1)), never);
    if ((value as { lcore_id: number }).lcore_id !== 1 + (i & 1)) throw new Error(`query ${i}: another core's answer`);
    if (i % (QUERIES / 4) === 0) results.push(held());
  }
  const perSecond = Math.round(QUERIES / ((performance.now() - started) / 1000));
  for (let i = 0; i < 1000; i++) {
    const other = new TelemetryClient(path, { greetingMs: 5000, answerMs: 5000 });
    await other.session(never);
    other.close();
  }
  results.push(held());
  client.close();
  console.log(JSON.stringify({ perSecond, results }));
}

if (import.meta.main) await ask(process.argv[2]!);
