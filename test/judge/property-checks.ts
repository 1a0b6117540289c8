/** P6, P7 and P8: the same evidence in another order, with one more good result, and once more, perhaps with a reload. */
import { initial, type JudgeState } from '../../src/judge/judge.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { OK } from '../../src/model/outcome.ts';
import { VERDICT } from '../../src/model/verdicts.ts';
import type { Decisions, Transition, VerdictName } from '../../src/model/verdict.ts';
import { type Check, pass } from './check.ts';
import { middle, type PassFacts, permuted, type Result, type Sequence } from './sequences.ts';
import { copyOf, difference } from './values.ts';
import type { Broken } from './witness.ts';
import { randomFrom, say } from './world.ts';

/** P6: NICs, real servers and services in another order get the same verdicts. */
export class Permutation implements Check {
  readonly #s: Sequence;
  #state: JudgeState;

  constructor(s: Sequence) {
    this.#s = permuted(s);
    this.#state = initial(this.#s.topology, 0);
  }

  after(k: number, _: PassFacts, __: JudgeState, { transitions }: Decisions): Broken | undefined {
    const other = pass(this.#state, this.#s.passes[k]!);
    this.#state = other.state;
    const [a, b] = [verdictsOf(transitions), verdictsOf(other.decisions.transitions)];
    return a === b ? undefined : { property: 'P6', message: `pass ${k}: ${a} became ${b}` };
  }
}

/** Without order: a pass names its verdicts in the order of NICs and real servers. */
function verdictsOf(transitions: readonly Transition[]): string {
  return transitions.length === 0 ? '' : transitions.map(say).toSorted().join(' ');
}

/** DATA_PATH_FAULT is none here: that the probes are good is its premise. */
const RANK: Partial<Record<VerdictName, number>> = { RS_DOWN: 4, NIC_FAIL: 4, FLAPPING: 4, PROBE_PATH_FAULT: 3, NIC_PARTIAL: 2 };

/**
 * P7: one more good result in one pass declares nothing worse of its NIC and its real server than was declared without it.
 * (It may bring the losses of a cell into the statistics that had no good result for long, and so put a recovery off.)
 */
export class Monotony implements Check {
  readonly #at: number;
  readonly #more: Result;
  /** How bad the NIC and the real server are called. */
  readonly #called = { nic: 0, rs: 0 };
  readonly #ids: { readonly nic: string; readonly rs: string };
  #copy: JudgeState | undefined;

  constructor({ seed, topology, passes }: Sequence) {
    const random = randomFrom(seed ^ 0x2545f491);
    this.#at = 10 + Math.floor(random() * (passes.length - 10));
    const nic = Math.floor(random() * topology.nics.length);
    const server = Math.floor(random() * topology.realServers.length);
    this.#more = [nic, server, OK, passes[this.#at]!.now];
    this.#ids = { nic: topology.nics[nic]!.name, rs: topology.realServers[server]!.id };
  }

  before(k: number, state: JudgeState): void {
    if (k === this.#at) this.#copy = copyOf(state);
  }

  after(k: number, p: PassFacts, state: JudgeState, { transitions }: Decisions): Broken | undefined {
    if (k > this.#at) return undefined;
    Object.assign(this.#called, this.#rankIn(transitions));
    if (k < this.#at) return undefined;
    const [nic] = this.#more;
    // Where R3 is about to speak, or R5 has spoken, R4 or R4b speaking instead is no worse: that answers come and go is R4b's
    // premise.
    if (state.nics.failSince[nic]! > 0 || state.nics.verdict[nic] === VERDICT.SUSPECT)
      this.#called.nic = Math.max(this.#called.nic, RANK.NIC_PARTIAL!);
    const { decisions } = pass(this.#copy!, p, [...p.results, this.#more]);
    const worse = Object.entries(this.#rankIn(decisions.transitions)).find(
      ([subject, rank]) => rank > this.#called[subject as 'nic'],
    );
    if (worse === undefined) return undefined;
    return {
      property: 'P7',
      message: `pass ${k}: a good result of ${this.#ids.nic} at ${this.#ids.rs} made the ${worse[0]} worse`,
    };
  }

  /** What a pass declares of the two. */
  #rankIn(transitions: readonly Transition[]): { nic?: number; rs?: number } {
    const found: { nic?: number; rs?: number } = {};
    for (const { subject, nic, rs, verdict } of transitions) {
      if (subject === 'nic' && nic === this.#ids.nic) found.nic = RANK[verdict] ?? 0;
      if (subject === 'rs' && rs === this.#ids.rs) found.rs = RANK[verdict] ?? 0;
    }
    return found;
  }
}

/**
 * P8: the same evidence gives the same decisions, with the same evidence in them, to the last field. In every second sequence the
 * second judge is reloaded on its way with a topology that is equal: that changes nothing either.
 */
export class Replay implements Check {
  readonly #topology: Sequence['topology'];
  readonly #reloadAt: number;
  #state: JudgeState;
  #now = 0;

  constructor(s: Sequence) {
    this.#topology = s.topology;
    this.#reloadAt = s.seed % 2 === 0 ? middle(s) : Number.POSITIVE_INFINITY;
    this.#state = initial(s.topology, 0);
  }

  after(k: number, p: PassFacts, _: JudgeState, d: Decisions): Broken | undefined {
    if (k === this.#reloadAt) this.#state = retopologise(this.#state, structuredClone(this.#topology), this.#now);
    this.#now = p.now;
    const again = pass(this.#state, p);
    this.#state = again.state;
    return difference(k < this.#reloadAt ? 'P8' : 'reload', k, d, again.decisions);
  }
}
