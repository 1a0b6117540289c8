/** Feeds an evidence log to the judge, with a pass every T/10 of the log's time. Pure: lines in, transitions out. */
import { FourlaneError } from '../model/errors.ts';
import { append, type DataplaneFact, type LinkFact, newBatch, type ResultBatch } from '../model/facts.ts';
import type { Topology } from '../model/topology.ts';
import type { Transition } from '../model/verdict.ts';
import { EvidenceReader, type Observation } from './evidence.ts';
import type { State } from './memory.ts';
import { judge } from './judge.ts';
import { retopologise } from './retopologise.ts';
import { initial } from './initial.ts';

/**
 * One replay. The first pass is at the first observation's time, the others every T/10 after it; an observation is judged in the first
 * pass at or after its time. After the last line passes go on for T/2 + T/10: what was forming by then is still said, and nothing can
 * turn stale in that time.
 */
export class Replay {
  readonly #reader = new EvidenceReader();
  #topology: Topology | undefined;
  #state: State | undefined;
  #next = 0;
  #last = 0;
  #batch: ResultBatch = newBatch(1024);
  #links: LinkFact[] = [];
  #dataplane: DataplaneFact[] = [];

  /** The transitions that this line brought about. Throws FourlaneError EVIDENCE_INVALID. */
  line(text: string): readonly Transition[] {
    const entry = this.#reader.read(text);
    if (entry === undefined) return [];
    if (!('kind' in entry)) {
      this.#topology = entry;
      if (this.#state !== undefined) this.#state = retopologise(this.#state, entry, this.#state.clock.now);
      return [];
    }
    if (this.#state === undefined) {
      this.#state = initial(this.#topology!, entry.t);
      this.#next = entry.t;
    }
    const transitions = entry.t > this.#next ? this.#passesBefore(entry.t) : [];
    this.#keep(entry);
    this.#last = Math.max(entry.t, this.#last);
    return transitions;
  }

  /** The transitions after the last line. */
  end(): readonly Transition[] {
    if (this.#reader.line === 0 || this.#topology === undefined) {
      throw new FourlaneError('EVIDENCE_INVALID', 'the log is empty; its first line must be a header');
    }
    if (this.#state === undefined) return [];
    return this.#passesBefore(this.#last + 0.6 * this.#topology.intervalMs + 1e-6);
  }

  #keep(o: Observation): void {
    if (o.kind === 'link') this.#links.push(o);
    else if (o.kind === 'dataplane') this.#dataplane.push(o);
    else this.#batch = append(this.#batch, o.nic, o.target, o);
  }

  #passesBefore(t: number): Transition[] {
    const out: Transition[] = [];
    const step = this.#topology!.intervalMs / 10;
    while (this.#next < t) {
      const facts = { results: this.#batch, links: this.#links, dataplane: this.#dataplane };
      const { decisions } = judge(this.#state!, facts, this.#next);
      for (const transition of decisions.transitions) out.push(transition);
      this.#batch.count = 0;
      this.#links = [];
      this.#dataplane = [];
      this.#next += step;
    }
    return out;
  }
}

/** The line that `fourlane replay` prints for a transition. */
export function formatTransition(x: Transition): string {
  const { t, subject, nic, rs, rack, verdict, cause, reason, actions, blocked } = x;
  return JSON.stringify({ t, subject, nic, rs, rack, verdict, cause, reason, actions, blocked });
}
