/**
 * sync: how many of the connections of kernel LVS a fail-over to the peer, or from it, would keep: what the agents of both
 * have is compared. What the kernel loses on the way it counts nowhere.
 */
import * as z from 'zod';
import { Once } from '../model/change-log.ts';
import { httpHeaders, httpUrl } from '../model/schema.ts';
import { type CollectContext, collector, type Reading, type Source, type Timing } from './collector.ts';
import { IpvsReader } from './ipvs/reader.ts';
import * as m from './sync-metrics.ts';
import { askSync } from './sync/ask.ts';
import { compareSync, type NoPair, type SyncComparison, type SyncView, viewOfAnswer, viewOfReading } from './sync/compare.ts';

/** Share of a reading's time that peers have. */
const SHARE = 0.8;

const peer = z.strictObject({
  server: z.string().min(1).max(128).describe('its name, as its configuration has it under server'),
  url: httpUrl.meta({ description: 'where its agent listens', examples: ['http://192.0.2.2:9844'] }),
  headers: httpHeaders.describe('extra request headers, such as authorization for a proxy in front of it'),
});

const schema = z.strictObject({
  peers: z
    .array(peer)
    .max(16)
    .default([])
    .describe('servers whose connections are synchronised with this one; this one itself is passed over'),
  ipvsadm: z.string().min(1).max(4096).default('ipvsadm').describe('program that lists the counters, as for collectors.ipvs'),
});
type Settings = z.output<typeof schema> & Timing;
type Peer = z.output<typeof peer>;

/** What came of one peer. */
export interface PeerCompared {
  readonly server: string;
  readonly seen: SyncComparison | NoPair | { readonly noAnswer: string };
}

export class SyncSource implements Source<readonly PeerCompared[]> {
  readonly #settings: Settings;
  readonly #own: () => string | undefined;
  readonly #reader: ReturnType<typeof IpvsReader.shared>;
  readonly #problems: Once;

  constructor(settings: Settings, context: CollectContext) {
    this.#settings = settings;
    this.#own = () => context.server?.();
    this.#reader = IpvsReader.shared(settings.ipvsadm, context);
    this.#problems = new Once((problem) => context.log('warn', `collector sync: ${problem}`));
  }

  async read(signal: AbortSignal): Promise<Reading<readonly PeerCompared[]>> {
    const { interval, peers } = this.#settings;
    const others = peers.filter(({ server }) => server !== this.#own());
    if (others.length === 0) return { state: 'absent', reason: 'no peer is configured: collectors.sync.peers' };
    const here = await this.#reader.value.latest(interval, signal);
    if (here.state !== 'data') return here;
    const view = viewOfReading(here.data);
    if (view.daemons.length === 0) return { state: 'absent', reason: 'no sync daemon of kernel LVS runs here' };
    const compared = await Promise.all(others.map(async (one) => ({ server: one.server, seen: await this.#compare(view, one) })));
    const problems = compared.flatMap(({ server, seen }) => (problemOf(seen) === '' ? [] : [`${server}: ${problemOf(seen)}`]));
    const reason = problems.join('; ');
    if (problems.length === compared.length) return { state: 'failed', reason };
    this.#problems.set(reason);
    return { state: 'data', data: compared };
  }

  async #compare(here: SyncView, { server, url, headers }: Peer): Promise<PeerCompared['seen']> {
    try {
      const answer = await askSync(url, { timeoutMs: SHARE * this.#settings.timeout, headers });
      if (answer.server !== server) return { noAnswer: `the agent at ${new URL(url).origin} is that of ${answer.server}` };
      return compareSync(here, viewOfAnswer(answer));
    } catch (error) {
      return { noAnswer: (error as Error).message };
    }
  }

  close(): void {
    this.#reader.release();
  }
}

/** '' = compared. */
const problemOf = (seen: PeerCompared['seen']) => ('noAnswer' in seen ? seen.noAnswer : 'noPair' in seen ? seen.noPair : '');

export const sync = collector({
  name: 'sync',
  summary: 'kernel LVS: how many connections a fail-over keeps, compared with the agents of peers',
  schema,
  interval: 30_000,
  timeout: 5000,
  staleAfter: 90_000,
  metrics: [m.SYNC_COMPLETENESS, m.SYNC_COMPARED, m.SYNC_CONFIG],
  open: (settings, context) => new SyncSource(settings, context),
  publish(peers, samples) {
    for (const { server, seen } of peers) {
      const labels = ['ipvs', server];
      samples.gauge(m.SYNC_COMPARED, labels, Number(problemOf(seen) === ''));
      if (!('ratio' in seen)) continue;
      samples.gauge(m.SYNC_CONFIG, labels, Number(seen.sameConfiguration));
      const role = seen.master === 'here' ? 'master' : 'backup';
      if (seen.connections > 0) samples.gauge(m.SYNC_COMPLETENESS, [...labels, role], seen.ratio);
    }
  },
});
