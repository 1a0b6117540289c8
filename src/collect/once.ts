/** One reading of one collector, outside the daemon: for the commands. */
import { monotonicMs } from '../sys/clock.ts';
import type { CollectContext, CollectedNic, Collector, Reading } from './collector.ts';
import { blockSchema } from './settings.ts';
import { Shares } from './share.ts';

/** Reads once, with the deadline of the collector's settings (default: its own), and closes the source. Never rejects. */
export async function readOnce(
  collector: Collector,
  settings: unknown,
  nics: readonly CollectedNic[],
  log: CollectContext['log'],
): Promise<Reading<unknown>> {
  const parsed: unknown = settings ?? blockSchema(collector).parse({});
  const { timeout } = parsed as { timeout: number };
  const shares = new Shares();
  const source = collector.open(parsed, {
    clock: monotonicMs,
    log,
    nics: () => nics,
    share: (key, make) => shares.take(key, make),
  });
  const abort = new AbortController();
  const reading = source.read(abort.signal).catch(failed);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Reading<unknown>>((resolve) => {
    timer = setTimeout(() => {
      const late = new Error(`no answer within ${timeout} ms`);
      abort.abort(late);
      resolve(failed(late));
    }, timeout);
  });
  const result = await Promise.race([reading, deadline]);
  clearTimeout(timer);
  await source.close();
  return result;
}

function failed(error: unknown): Reading<unknown> {
  return { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
}
