/** The source of the collector: every routing daemon that is there, read together; what they announce against the plan. */
import { type ExpectedSet, expectedSet } from '../../edge/expected.ts';
import { parsePrefix } from '../../edge/prefix.ts';
import { Once } from '../../model/change-log.ts';
import { Histogram } from '../../model/histogram.ts';
import type { Plan } from '../../model/plan.ts';
import { interfaceNetworks } from '../../sys/machine.ts';
import type { CollectContext, Reading, Source } from '../collector.ts';
import { plannedPrefixes, unplannedPrefixes } from './compare.ts';
import type { BgpData, DaemonReading, Durations } from './data.ts';
import type { Daemon } from '../../routing/session.ts';
import type { DaemonReader, DriverSettings } from './driver.ts';
import { drivers } from './drivers.ts';
import { type Connected, nicOf, type Placed } from './nics.ts';

/** Of a reading, s. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** Readings between two looks at the addresses of interfaces. */
const NETWORKS_EVERY = 12;

type Up = DaemonReading & { readonly durations: Durations };
type Outcome = { readonly up: Up } | { readonly down: { readonly daemon: Daemon; readonly reason: string } };
type EdgePlan = Pick<Plan, 'snat' | 'bgp'>;

export interface BgpParts {
  readonly context: Pick<CollectContext, 'clock' | 'log' | 'nics' | 'edge'>;
  readonly networks?: () => readonly { readonly device: string; readonly cidr: string }[];
}

export class BgpSource implements Source<BgpData> {
  readonly #readers: readonly DaemonReader[];
  readonly #context: BgpParts['context'];
  readonly #networks: NonNullable<BgpParts['networks']>;
  readonly #problems: Once;
  readonly #durations = new Map<Daemon, Histogram>();
  #expected: { readonly of: EdgePlan; readonly set: ExpectedSet } | undefined;
  #connected: readonly Connected[] = [];
  #readings = 0;

  constructor(settings: DriverSettings, { context, networks = interfaceNetworks }: BgpParts) {
    this.#readers = drivers.flatMap((driver) => driver.open(settings) ?? []);
    this.#context = context;
    this.#networks = networks;
    this.#problems = new Once((problems) => context.log('warn', `collector bgp: ${problems}`));
  }

  async read(signal: AbortSignal): Promise<Reading<BgpData>> {
    const expected = this.#expectedNow();
    const outcomes = (await Promise.all(this.#readers.map((reader) => this.#readOne(reader, expected, signal)))).flat();
    const up = outcomes.flatMap((outcome) => ('up' in outcome ? [outcome.up] : []));
    const down = outcomes.flatMap((outcome) => ('down' in outcome ? [outcome.down] : []));
    const reasons = [...down.map(({ reason }) => reason), ...up.flatMap(({ bfdProblem }) => bfdProblem ?? [])].join('; ');
    if (up.length > 0) {
      this.#problems.set(reasons);
      return {
        state: 'data',
        data: { up, down, planned: plannedPrefixes(expected, up), unplanned: unplannedPrefixes(expected, up) },
      };
    }
    if (reasons !== '') return { state: 'failed', reason: reasons };
    const looked = this.#readers.map(({ path }) => path).join(' or ');
    return { state: 'absent', reason: looked === '' ? 'every daemon is turned off' : `there is no ${looked}` };
  }

  #expectedNow(): ExpectedSet {
    const of = this.#context.edge();
    if (this.#expected?.of !== of) this.#expected = { of, set: expectedSet(of) };
    return this.#expected.set;
  }

  async #readOne(reader: DaemonReader, expected: ExpectedSet, signal: AbortSignal): Promise<readonly Outcome[]> {
    const { daemon } = reader;
    const started = this.#context.clock();
    try {
      if ((await reader.run()) === undefined) return [];
      const nic = (placed: Placed) => nicOf(placed, expected.uplinks, this.#context.nics(), this.#connectedNow());
      const reading = await reader.read({ expected, nicOf: nic, now: started }, signal);
      return [{ up: { ...reading, durations: this.#observe(daemon, (this.#context.clock() - started) / 1000) } }];
    } catch (error) {
      return [{ down: { daemon, reason: (error as Error).message } }];
    }
  }

  #connectedNow(): readonly Connected[] {
    if (this.#readings++ % NETWORKS_EVERY === 0)
      this.#connected = this.#networks().flatMap(({ device, cidr }) => {
        const prefix = parsePrefix(cidr);
        return prefix === undefined ? [] : [{ device, prefix }];
      });
    return this.#connected;
  }

  #observe(daemon: Daemon, seconds: number): Durations {
    const histogram = this.#durations.get(daemon) ?? new Histogram(BOUNDS);
    this.#durations.set(daemon, histogram);
    histogram.observe(seconds);
    const values = [...histogram.values];
    return { bounds: BOUNDS, counts: values.slice(0, -1), sum: values.at(-1)! };
  }

  async run(): Promise<string | undefined> {
    const runs = await Promise.all(this.#readers.map((reader) => reader.run().catch(() => '')));
    return runs.every((run) => run === undefined) ? undefined : runs.join('\n');
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
  }
}
