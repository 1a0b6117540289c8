/** What a shadow has seen so far: counts for series, the last events and the present differences for reports. */
import { counter, type Family, family, gauge, histogram, ONE_ROW } from '../model/family.ts';
import { Histogram } from '../model/histogram.ts';
import {
  CHANGES,
  compare,
  type Difference,
  ENDS,
  type Ended,
  outFor,
  type Pairs,
  type Sight,
  WHO,
  type Who,
} from './comparison.ts';

/** Events kept for a report; older ones are counted only. */
const MOST_EVENTS = 1000;
const MOST_SHOWN = 20;
/** A difference that lasts longer is more than one of them being slower: ms. */
export const SETTLE_MS = 30_000;
const LEAD_BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60];

const COMPARED = gauge('shadow_compared_real_servers', 'Real servers of services in shadow mode that both deciders know.');
const AGREEING = gauge('shadow_agreeing_real_servers', 'Those of them that both want in service, or both want out.');
const DIFFERING = gauge(
  'shadow_differing_real_servers',
  `Those on which the two differ for more than ${SETTLE_MS / 1000} s, by who has it out and by what fourlane knows against it.`,
  ['out', 'verdict'],
);
const DONE = counter(
  'shadow_changes_total',
  'Real servers taken out or put in: who was first, and whether the other followed, it was taken back, or both did it at once.',
  ['first', 'change', 'end'],
);
const LEAD = histogram('shadow_lead_seconds', 'How much earlier one decider was than the other that followed.', ['first']);

const FIRSTS = WHO.map((who) => [who]);
const ENDINGS = [
  ...WHO.flatMap((first) => CHANGES.flatMap((change) => ENDS.map((how) => [first, change, how]))),
  ...CHANGES.map((change) => ['both', change, 'together']),
];

/** A moment of it, for reports: plain values. Times are ms of the clock. */
export interface ShadowView {
  readonly since: number;
  readonly compared: number;
  readonly agreeing: number;
  /** The oldest ones. */
  readonly differences: readonly Difference[];
  readonly differing: number;
  /** The last ones, oldest first. */
  readonly events: readonly Ended[];
  /** Why nothing is compared; '' = it is. */
  readonly problem: string;
}

export class ShadowLedger {
  readonly #since: number;
  #pairs: Pairs = new Map();
  /** Oldest first; made once a look, since series are asked for more often. */
  #differences: readonly Difference[] = [];
  #events: Ended[] = [];
  #problem = 'nothing has been read yet';
  #now: number;
  readonly #counts = new Map<string, number>();
  readonly #leads = new Histogram(LEAD_BOUNDS, WHO.length);

  constructor(now: number) {
    this.#since = now;
    this.#now = now;
  }

  /** One look. @returns what has ended */
  take(sights: Iterable<Sight>, now: number): readonly Ended[] {
    const { pairs, ended } = compare(this.#pairs, sights, now);
    this.#pairs = pairs;
    this.#differences = [...pairs.values()].flatMap(({ difference }) => difference ?? []).sort((a, b) => a.since - b.since);
    this.#now = now;
    this.#problem = '';
    for (const event of ended) {
      const key = [event.first, event.change, event.how].join(' ');
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      if (event.how === 'followed') this.#leads.observe(event.ms / 1000, WHO.indexOf(event.first as Who));
    }
    this.#events = [...this.#events, ...ended].slice(-MOST_EVENTS);
    return ended;
  }

  /** The data plane can't be read: nothing is compared, and nothing is taken for a change. */
  blind(problem: string): void {
    this.#pairs = new Map();
    this.#differences = [];
    this.#problem = problem;
  }

  view(): ShadowView {
    const differences = this.#differences;
    return {
      since: this.#since,
      compared: this.#pairs.size,
      agreeing: this.#pairs.size - differences.length,
      differences: differences.slice(0, MOST_SHOWN),
      differing: differences.length,
      events: this.#events,
      problem: this.#problem,
    };
  }

  families(): readonly Family[] {
    const differences = this.#differences;
    const differing = new Map<string, number>();
    for (const { since, first, change, why } of differences) {
      if (this.#now - since < SETTLE_MS) continue;
      const key = JSON.stringify([outFor({ first, change }), why.split(' ')[0] || 'OK']);
      differing.set(key, (differing.get(key) ?? 0) + 1);
    }
    return [
      family(COMPARED, ONE_ROW, [this.#pairs.size]),
      family(AGREEING, ONE_ROW, [this.#pairs.size - differences.length]),
      family(
        DIFFERING,
        [...differing.keys()].map((key) => JSON.parse(key) as string[]),
        [...differing.values()],
      ),
      family(
        DONE,
        ENDINGS,
        ENDINGS.map((row) => this.#counts.get(row.join(' ')) ?? 0),
      ),
      family(LEAD, FIRSTS, this.#leads.values, LEAD_BOUNDS),
    ];
  }
}
