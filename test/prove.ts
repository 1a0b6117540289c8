/**
 * `npm run prove [-- SEQUENCES [FIRST_SEED]]`: the properties of docs/attribution.md on a million random evidence sequences, over
 * all processors, and how many sequences each was checked on. Exit code 1 at the first one that is broken, with its seed.
 */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EVENTS, prove, rare } from './judge/properties.ts';

const CHUNK = 2000;

interface Order {
  readonly from: number;
  readonly to: number;
}

interface Done {
  readonly tally: ReadonlyMap<string, number>;
  readonly error?: string;
}

function work(order: Order): Done {
  const tally = new Map<string, number>();
  try {
    prove(order.from, order.to, tally);
    return { tally };
  } catch (error) {
    return { tally, error: (error as Error).message };
  }
}

async function main(): Promise<number> {
  const [count = 1_000_000, first = 1_000_001] = process.argv.slice(2).map(Number);
  const end = first + count;
  const tally = new Map<string, number>();
  let next = first;
  let done = 0;
  let failed: string | undefined;
  const started = performance.now();
  const shard = async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: 'prove' });
    while (next < end && failed === undefined) {
      const order: Order = { from: next, to: Math.min(next + CHUNK, end) };
      next = order.to;
      const answer = new Promise<Done>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      worker.postMessage(order);
      const result = await answer;
      worker.removeAllListeners('error');
      failed ??= result.error;
      for (const [word, n] of result.tally) tally.set(word, (tally.get(word) ?? 0) + n);
      done += order.to - order.from;
      if (done % (50 * CHUNK) === 0) console.log(`${done} sequences, ${Math.round((performance.now() - started) / 1000)} s`);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, shard));
  console.table(Object.fromEntries(EVENTS.map((e) => [e, tally.get(e) ?? 0])));
  if (failed !== undefined) {
    console.error(failed);
    return 1;
  }
  const missing = rare(tally, 1);
  console.log(`of ${done} random sequences (seeds ${first} to ${end - 1}) each holds on as many as it was checked on:`);
  console.table(Object.fromEntries([...tally].filter(([word]) => word.startsWith('checked '))));
  if (missing.length > 0 && count >= 100_000) console.error(`but these never happened: ${missing.join(', ')}`);
  return missing.length > 0 && count >= 100_000 ? 1 : 0;
}

if (isMainThread) process.exitCode = await main();
else if (workerData === 'prove') parentPort!.on('message', (order: Order) => parentPort!.postMessage(work(order)));
