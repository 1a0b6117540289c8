/** One reading of one collector, outside the daemon: for the commands. */
import type { Plan } from '../model/plan.ts';
import { monotonicMs } from '../sys/clock.ts';
import type { CollectContext, CollectedNic, Collector, Reading } from './collector.ts';
import { failed, withDeadline } from './deadline.ts';
import { blockSchema } from './settings.ts';
import { Shares } from './share.ts';

/** Reads once, with the deadline of the collector's settings (default: its own), and closes the source. Never rejects. */
export async function readOnce(
  collector: Collector,
  settings: unknown,
  plan: Partial<Pick<Plan, 'server' | 'snat' | 'bgp' | 'services' | 'targets'>> & { readonly nics?: readonly CollectedNic[] },
  log: CollectContext['log'],
): Promise<Reading<unknown>> {
  const parsed: unknown = settings ?? blockSchema(collector).parse({});
  const { timeout } = parsed as { timeout: number };
  const shares = new Shares();
  const source = collector.open(parsed, {
    clock: monotonicMs,
    log,
    nics: () => plan.nics ?? [],
    edge: () => plan,
    ...(plan.server === undefined ? {} : { server: () => plan.server! }),
    plan: () => ({ nics: [], services: [], targets: [], ...plan }),
    share: (key, make) => shares.take(key, make),
  });
  const abort = new AbortController();
  const late = new Promise<Reading<unknown>>((resolve) => {
    abort.signal.addEventListener('abort', () => resolve(failed(abort.signal.reason)));
  });
  const result = await Promise.race([withDeadline(timeout, abort, (signal) => source.read(signal)), late]);
  await source.close();
  return result;
}
