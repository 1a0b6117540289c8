/**
 * The judge's turn: every T/10, and at once when a link changes and when its debounce is over. Collect, judge, act, remember. It
 * does no I/O itself: actions go to the reconciler, evidence to the recorder, the state file is written elsewhere.
 */
import type { Reconciler } from '../act/reconciler.ts';
import type { TransitionLog } from '../report/history.ts';
import { type JudgeState, judge } from '../judge/judge.ts';
import { retopologise } from '../judge/retopologise.ts';
import { verdicts, why } from '../judge/read.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Unstamped } from '../model/facts.ts';
import { Histogram } from '../model/histogram.ts';
import { RULES } from '../model/rules.ts';
import type { Topology } from '../model/topology.ts';
import type { Decisions, Subject, Verdict } from '../model/verdict.ts';
import { Inbox } from './inbox.ts';
import { VerdictMemory } from './memory.ts';
import type { Recorder, Start } from './recorder.ts';

export interface LoopOptions {
  readonly clock: () => number;
  readonly lanes: Lanes;
  readonly reconciler: Reconciler;
  readonly history: TransitionLog;
  readonly recorder: () => Recorder | undefined;
  /** Called after each pass that changed something worth keeping or telling. */
  readonly changed: (decisions: Decisions, now: number) => void;
  /** Called after each pass. @param now when it began */
  readonly passed?: (now: number) => void;
  /** Called after each pass with the NICs whose data plane should be asked. */
  readonly doubted?: (nics: readonly number[]) => void;
}

/** Passes are at most this far apart, and no closer than MIN: ms. */
const MAX_PERIOD = 100;
const MIN_PERIOD = 20;
const DURATION_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

export class Loop {
  readonly #o: LoopOptions;
  readonly #memory = new VerdictMemory();
  #state: JudgeState;
  #topology: Topology;
  readonly #inbox: Inbox;
  #start: Start;
  #timer: NodeJS.Timeout | undefined;
  #debounce: NodeJS.Timeout | undefined;
  #announced = false;
  #verdicts: readonly Verdict[] | undefined;
  /** Of passes, in seconds. */
  readonly durations = new Histogram(DURATION_BOUNDS);

  constructor(options: LoopOptions, topology: Topology, state: JudgeState) {
    this.#o = options;
    this.#inbox = new Inbox(options.clock);
    this.#topology = topology;
    this.#state = state;
    this.#start = { from: 'state' };
  }

  get state(): JudgeState {
    return this.#state;
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** Goes on in another world: the state as a reload leaves it at `now`. The next pass announces what is wanted. */
  retopologise(topology: Topology): void {
    const now = this.#o.clock();
    this.#become(topology, retopologise(this.#state, topology, now), { from: 'reload', t: now, after: this.#start });
  }

  /** Begins with another state, at the end of the start. */
  replace(topology: Topology, state: JudgeState): void {
    this.#become(topology, state, { from: 'state' });
  }

  #become(topology: Topology, state: JudgeState, start: Start): void {
    this.#topology = topology;
    this.#state = state;
    this.#start = start;
    this.#verdicts = undefined;
    this.#announced = false;
    if (this.#timer) this.start();
  }

  /** Begins to turn. */
  start(): void {
    clearInterval(this.#timer);
    const fastest = this.#topology.realServers.reduce(
      (most, server) => Math.min(most, server.intervalMs ?? most),
      this.#topology.intervalMs,
    );
    this.#timer = setInterval(() => this.pass(), Math.min(MAX_PERIOD, Math.max(MIN_PERIOD, fastest / 10)));
  }

  /**
   * Takes a fact in. One that is urgent (a link) is judged now, and again the moment its debounce is over; others in the next
   * pass.
   */
  observe(fact: Unstamped): void {
    if (!this.#inbox.take(fact) || !this.#timer) return;
    this.pass();
    clearTimeout(this.#debounce);
    const debounce = this.#topology.rules['debounce_ms'] ?? RULES['debounce_ms']!.value;
    this.#debounce = setTimeout(() => this.pass(), debounce + 1);
  }

  /** One pass. */
  pass(): void {
    const { clock, lanes, reconciler, history } = this.#o;
    const facts = this.#inbox.empty(lanes.collect());
    const now = clock();
    this.#o.recorder()?.record({ start: this.#start, state: this.#state, facts, now });
    const { state, decisions } = judge(this.#state, facts, now);
    this.#state = state;
    this.#verdicts = undefined;
    this.durations.observe((clock() - now) / 1000);
    history.record(decisions);
    this.#memory.record(decisions.transitions);
    const isDue = reconciler.isolates(decisions.wanted) || reconciler.heeds(decisions.transitions);
    if (decisions.actions.length > 0 || decisions.weighed || isDue || !this.#announced) {
      this.#announced = true;
      reconciler.pass(decisions.wanted, this.verdicts());
    } else reconciler.tick();
    if (decisions.actions.length + decisions.transitions.length + decisions.blocked.length > 0) this.#o.changed(decisions, now);
    this.#o.passed?.(now);
    this.#o.doubted?.(decisions.doubted);
  }

  /** Present verdicts other than OK; made once per pass, however many scrapes and pages ask. */
  verdicts(): readonly Verdict[] {
    this.#verdicts ??= verdicts(this.#state).map((verdict) => this.#memory.explain(verdict));
    return this.#verdicts;
  }

  /** The verdict of one subject, OK included; undefined when there is no such subject. */
  why(subject: Subject): Verdict | undefined {
    const verdict = why(this.#state, subject);
    return verdict && this.#memory.explain(verdict);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#debounce);
    this.#timer = undefined;
  }
}
