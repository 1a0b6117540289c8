/**
 * Feeds an evidence log to the judge. A recorded log says when each pass was, so its replay gives the transitions of the recorded
 * run at the times of that run; a log written by hand gets a pass every T/10. Pure: lines in, transitions out.
 */
import { FourlaneError } from '../model/errors.ts';
import { append, type Fact, newBatch, type Observation } from '../model/facts.ts';
import type { Topology } from '../model/topology.ts';
import type { Transition } from '../model/verdict.ts';
import type { Header } from './evidence/header.ts';
import { EvidenceReader } from './evidence/reader.ts';
import { fromExactState } from './exact.ts';
import { initial } from './initial.ts';
import { judge } from './judge.ts';
import type { State } from './memory.ts';
import { retopologise } from './retopologise.ts';

/**
 * One replay. Without pass lines the first pass is at the first fact's time, the others every T/10 after it; a fact is judged in
 * the first pass at or after its time. After the last line such passes go on for T/2 + T/10: what was forming by then is still
 * named, and nothing can turn stale in that time.
 */
export class Replay {
  readonly #reader: EvidenceReader;
  #topology: Topology | undefined;
  #state: State | undefined;
  /** Whether the log says when the passes were. */
  #recorded = false;
  /** Without pass lines: time of the next pass, and of the last fact. */
  #next = 0;
  #last = 0;
  #results = newBatch(1024);
  #observations: Observation[] = [];

  /** @param notice receives what was passed over and why */
  constructor(notice?: (message: string) => void) {
    this.#reader = new EvidenceReader(notice);
  }

  /** The transitions that this line brought about. Throws FourlaneError EVIDENCE_INVALID. */
  line(text: string): readonly Transition[] {
    const entry = this.#reader.read(text);
    if (entry === undefined) return [];
    if (entry.kind === 'pass') return this.#pass(entry.t);
    if (entry.kind !== 'header') return this.#take(entry);
    this.#begin(entry);
    return [];
  }

  /** The transitions after the last line. */
  end(): readonly Transition[] {
    this.#reader.end();
    if (this.#topology === undefined)
      throw new FourlaneError('EVIDENCE_INVALID', 'the log is empty; its first line must be a header');
    if (this.#state === undefined || this.#recorded) return [];
    return this.#passesBefore(this.#last + 0.6 * this.#topology.intervalMs + 1e-6);
  }

  #begin({ topology, origin }: Header): void {
    this.#topology = topology;
    this.#recorded = origin !== undefined;
    if (origin === undefined) {
      if (this.#state !== undefined) this.#state = retopologise(this.#state, topology, this.#state.clock.now);
    } else if (origin.from === 'state') this.#state = this.#restore(topology, origin.state);
    else if (this.#state === undefined) this.#fail('the log begins with a reload; its first header must hold a state');
    else this.#state = retopologise(this.#state, topology, origin.t);
  }

  #restore(topology: Topology, json: unknown): State {
    try {
      return fromExactState(topology, json);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#fail(`state of the header: ${error.message}`);
    }
  }

  #fail(message: string): never {
    throw new FourlaneError('EVIDENCE_INVALID', `line ${this.#reader.line}: ${message}`);
  }

  #take(fact: Fact): readonly Transition[] {
    const transitions = this.#recorded ? [] : this.#passesUntil(fact.t);
    if (fact.kind === 'result') this.#results = append(this.#results, fact.nic, fact.target, fact);
    else this.#observations.push(fact);
    return transitions;
  }

  /**
   * Without pass lines: the passes before a fact. One much older than the last means that the machine, and its clock, started
   * again.
   */
  #passesUntil(t: number): readonly Transition[] {
    const topology = this.#topology!;
    const back = topology.intervalMs + topology.timeoutMs;
    if (this.#state === undefined || t < this.#last - back) {
      this.#state = initial(topology, t);
      this.#next = t;
      this.#last = t;
    }
    const transitions = t > this.#next ? this.#passesBefore(t) : [];
    this.#last = Math.max(t, this.#last);
    return transitions;
  }

  #passesBefore(t: number): readonly Transition[] {
    const transitions: Transition[] = [];
    const step = this.#topology!.intervalMs / 10;
    for (; this.#next < t; this.#next += step) transitions.push(...this.#pass(this.#next));
    return transitions;
  }

  #pass(t: number): readonly Transition[] {
    const { decisions } = judge(this.#state!, { results: this.#results, observations: this.#observations }, t);
    this.#results.count = 0;
    this.#observations = [];
    return decisions.transitions;
  }
}

/** The line that `fourlane replay` prints for a transition. */
export function formatTransition({ t, subject, nic, rs, rack, verdict, cause, reason, actions, blocked }: Transition): string {
  return JSON.stringify({ t, subject, nic, rs, rack, verdict, cause, reason, actions, blocked });
}
