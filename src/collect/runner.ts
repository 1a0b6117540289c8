/** Runs the collectors that the plan lists, follows it over reloads, and reports the state of each. */
import { counter, type Family, type FamilySource, family, gauge, type Metric } from '../model/family.ts';
import type { FindingReport } from '../model/finding.ts';
import type { LiveRealServers } from '../model/live-real-server.ts';
import type { Plan } from '../model/plan.ts';
import type { CollectContext, CollectedNic, Collector, Evidence, Timing } from './collector.ts';
import { Job, type State, STATES } from './job.ts';
import { Shares } from './share.ts';

export interface RunnerOptions {
  readonly collectors: readonly Collector[];
  readonly context: Omit<CollectContext, 'share'>;
  readonly random?: () => number;
  /** Added to a monotonic ms it gives a Unix ms. */
  readonly wallOffsetMs: () => number;
  readonly onEvidence: (collector: string, evidence: Evidence, t: number) => void;
  /** Called with what a source answered to `ask`; `t`: when it was asked. */
  readonly onAnswer?: (collector: string, evidence: Evidence, t: number) => void;
  /** Called when a collector's source has been started again, or is there again. */
  readonly onStarted?: (collector: string) => void;
}

/** How a collector fares, for status and page. */
export interface CollectorStatus {
  readonly name: string;
  readonly state: State;
  readonly reason: string;
  /** Monotonic ms; NaN = never. */
  readonly lastData: number;
}

const STATE = gauge('collector_state', 'State of the collector: 1 for the present one.', ['collector', 'state']);
const SUCCESS = gauge('collector_success', 'Whether the last reading came with data.', ['collector']);
const DURATION = gauge('collector_duration_seconds', 'Duration of the last reading.', ['collector']);
const LAST = gauge('collector_last_success_timestamp_seconds', 'When the last reading with data was asked for.', ['collector']);
const READINGS = counter('collector_readings_total', 'Readings by what came of them.', ['collector', 'result']);
const DROPPED = counter(
  'series_dropped_total',
  'Series not exported, once per reading: over the limit of their family, or with the labels of another one.',
  ['family'],
);
/** What the runner itself exports. */
export const RUNNER_METRICS: readonly Metric[] = [STATE, SUCCESS, DURATION, LAST, READINGS, DROPPED];
const RESULTS = ['data', 'absent', 'failed'] as const;

export class Runner implements FamilySource {
  readonly #o: RunnerOptions;
  readonly #shares = new Shares();
  readonly #jobs = new Map<string, { readonly job: Job; readonly settings: string }>();
  readonly #rows: Readonly<Record<'each' | 'state' | 'result', readonly (readonly string[])[]>>;
  #droppedRows: readonly (readonly string[])[] = [];
  #stopping: Promise<void>[] = [];

  constructor(options: RunnerOptions) {
    this.#o = options;
    const names = options.collectors.map((c) => c.name);
    this.#rows = {
      each: names.map((n) => [n]),
      state: names.flatMap((n) => STATES.map((s) => [n, s])),
      result: names.flatMap((n) => RESULTS.map((r) => [n, r])),
    };
  }

  /** Starts, ends or restarts what differs; a collector whose settings are the same goes on. */
  apply(settings: Plan['collectors']): void {
    for (const collector of this.#o.collectors) {
      const wanted = settings[collector.name] ?? false;
      const text = JSON.stringify(wanted);
      const running = this.#jobs.get(collector.name);
      if (running?.settings === text || (running === undefined && wanted === false)) continue;
      const ended = running?.job.stop();
      if (ended !== undefined) this.#stopping.push(ended);
      this.#jobs.delete(collector.name);
      if (wanted === false) continue;
      const job = this.#job(collector, wanted);
      this.#jobs.set(collector.name, { job, settings: text });
      // A socket or FIFO must be free before it is opened again.
      if (ended === undefined) job.start();
      else void ended.then(() => this.#jobs.get(collector.name)?.job === job && job.start());
    }
  }

  /** Asks every source that can be asked what it shows of these NICs now; resolves when all have answered or given up. */
  async ask(nics: readonly CollectedNic[]): Promise<void> {
    const asking = [...this.#jobs].map(async ([name, { job }]) => {
      const answer = await job.ask(nics);
      if (answer !== undefined) this.#o.onAnswer?.(name, answer.evidence, answer.t);
    });
    await Promise.all(asking);
  }

  /** Real servers of a service as this collector reads them now; undefined when it can't. */
  async realServers(collector: string, vip: string): Promise<LiveRealServers> {
    return this.#jobs.get(collector)?.job.realServers(vip);
  }

  /** Ends all of them; resolves when nothing is left. */
  async stop(): Promise<void> {
    this.#stopping.push(...[...this.#jobs.values()].map(({ job }) => job.stop()));
    this.#jobs.clear();
    await Promise.all(this.#stopping);
  }

  status(): readonly CollectorStatus[] {
    return this.#o.collectors.map(({ name }) => {
      const job = this.#jobs.get(name)?.job;
      return {
        name,
        state: job?.state ?? 'off',
        reason: job?.reason ?? 'turned off in the configuration',
        lastData: job?.lastData ?? Number.NaN,
      };
    });
  }

  /** What fresh readings found of real servers, the oldest first; only the first `most`. */
  findings(most: number): readonly FindingReport[] {
    const found = [...this.#jobs.values()].flatMap(({ job }) => (job.fresh() ? job.findings : []));
    return found.toSorted((a, b) => a.since - b.since).slice(0, most);
  }

  families(): readonly Family[] {
    const jobs = this.#o.collectors.map(({ name }) => this.#jobs.get(name)?.job);
    const { each, state, result } = this.#rows;
    const wall = this.#o.wallOffsetMs();
    const dropped = this.#dropped(jobs);
    return [
      family(
        STATE,
        state,
        jobs.flatMap((job) => STATES.map((s) => Number(s === (job?.state ?? 'off')))),
      ),
      family(
        SUCCESS,
        each,
        jobs.map((job) => (job === undefined || job.state === 'starting' ? NaN : Number(job.state === 'data'))),
      ),
      family(
        DURATION,
        each,
        jobs.map((job) => job?.duration ?? NaN),
      ),
      family(
        LAST,
        each,
        jobs.map((job) => Math.round((job?.lastData ?? NaN) + wall) / 1000),
      ),
      family(
        READINGS,
        result,
        jobs.flatMap((job) => RESULTS.map((r) => job?.readings[r] ?? NaN)),
      ),
      family(DROPPED, this.#droppedRows, dropped),
      ...jobs.flatMap((job) => (job?.fresh() === true ? job.output.families() : [])),
    ];
  }

  #dropped(jobs: readonly (Job | undefined)[]): readonly number[] {
    const sums = new Map(jobs.flatMap((job) => [...(job?.output.dropped() ?? [])]));
    if (this.#droppedRows.length !== sums.size || this.#droppedRows.some(([name]) => !sums.has(name!))) {
      this.#droppedRows = [...sums.keys()].map((name) => [name]);
    }
    return this.#droppedRows.map(([name]) => sums.get(name!)!);
  }

  #job(collector: Collector, settings: Timing): Job {
    const { context, onEvidence, random = Math.random } = this.#o;
    const { name } = collector;
    return new Job({
      collector,
      timing: settings,
      clock: context.clock,
      random,
      open: () => collector.open(settings, { ...context, share: (key, make) => this.#shares.take(key, make) }),
      onData: (data, t) => {
        if (collector.evidence !== undefined) onEvidence(name, collector.evidence(data), t);
      },
      onStarted: () => this.#o.onStarted?.(name),
      onChange: (state, reason) =>
        context.log(state === 'failed' ? 'warn' : 'info', `collector ${name}: ${reason === '' ? state : `${state}, ${reason}`}`),
    });
  }
}
