/**
 * passthrough: whether real servers get the address of the client as their services declare it: `fourlane passthrough` at a slow
 * interval, in a thread of its own. It reports and never acts: a real server that takes another address for the client's serves.
 */
import * as z from 'zod';
import { Once } from '../model/change-log.ts';
import { verifyInThread } from '../passthrough/thread.ts';
import { type Declared, type Done, type Job, jobsOf } from '../passthrough/verify.ts';
import { type CollectContext, collector, type Reading, type Source, type Timing } from './collector.ts';
import { PASSTHROUGH_METRICS } from './passthrough/metrics.ts';
import { type PassthroughData, passthroughFindings, publishPassthrough } from './passthrough/publish.ts';
import { Standings } from './passthrough/standing.ts';

/** Share of a reading's time after which what has not been verified is left to the next reading. */
const SHARE = 0.8;

const schema = z.strictObject({
  perReading: z
    .int()
    .min(1)
    .max(10_000)
    .default(500)
    .describe('real servers verified in one reading at most; when there are more, they take turns'),
});

type Verify = (jobs: readonly Job[], limitMs: number, signal: AbortSignal) => Promise<readonly Done[]>;

export interface PassthroughParts {
  readonly verify?: Verify;
  /** Unix ms. */
  readonly wall?: () => number;
}

const NOTHING = { nics: [], services: [], targets: [] };

export class PassthroughSource implements Source<PassthroughData> {
  readonly #settings: z.output<typeof schema> & Timing;
  readonly #plan: () => Declared;
  readonly #verify: Verify;
  readonly #wall: () => number;
  readonly #standings = new Standings();
  /** What this machine lacks for P5. */
  readonly #unsent: Once;
  /** Jobs in front of which the next reading begins. */
  #at = 0;

  constructor(
    settings: z.output<typeof schema> & Timing,
    { plan = () => NOTHING, log }: Pick<CollectContext, 'plan' | 'log'>,
    { verify = verifyInThread, wall = Date.now }: PassthroughParts = {},
  ) {
    this.#settings = settings;
    this.#plan = plan;
    this.#unsent = new Once((text) => log('warn', `passthrough: P5: ${text}`));
    this.#verify = verify;
    this.#wall = wall;
  }

  async read(signal: AbortSignal): Promise<Reading<PassthroughData>> {
    const jobs = jobsOf(this.#plan());
    this.#standings.keep(jobs);
    if (jobs.length === 0) return { state: 'absent', reason: 'no service has the key passthrough' };
    const { perReading, timeout } = this.#settings;
    const from = this.#at % jobs.length;
    const turn = [...jobs.slice(from), ...jobs.slice(0, from)].slice(0, perReading);
    const done = await this.#verify(turn, SHARE * timeout, signal);
    this.#at = from + done.length;
    this.#standings.take(done, this.#wall());
    this.#unsent.set(done.flatMap(({ found }) => found).find(({ cause }) => cause === 'not_sent')?.found ?? '');
    return { state: 'data', data: { standings: this.#standings.all(), done } };
  }

  close(): void {}
}

export const passthrough = collector({
  name: 'passthrough',
  summary: 'whether real servers get the address of the client as their services declare it',
  schema,
  interval: 300_000,
  timeout: 60_000,
  staleAfter: 900_000,
  metrics: PASSTHROUGH_METRICS,
  open: (settings, context) => new PassthroughSource(settings, context),
  publish: publishPassthrough,
  findings: passthroughFindings,
});
