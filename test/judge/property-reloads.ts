/**
 * A restart in the middle of the evidence goes on as if there had been none; a reload that takes something away stays within
 * limits.
 */
import { initial, type JudgeState } from '../../src/judge/judge.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import { type Check, pass } from './check.ts';
import { middle, type PassFacts, remapped, type Result, type Sequence } from './sequences.ts';
import { copyOf, difference } from './values.ts';
import type { Broken } from './witness.ts';

/** What the loss window, which starts empty after a restart, shows in the evidence. */
const OF_LOSS: ReadonlySet<string> = new Set(['loss', 'loss_others', 'z']);

/** A restart. The loss statistics are not part of a snapshot, so both judges do without their rules. */
export class Restart implements Check {
  readonly #s: Sequence;
  readonly #at: number;
  #state: JudgeState;
  #restarted: JudgeState | undefined;
  #now = 0;

  constructor(s: Sequence) {
    const { topology } = s;
    this.#s = { ...s, topology: { ...topology, rules: { ...topology.rules, lossy_min_results: 1_000_000 } } };
    this.#at = middle(s);
    this.#state = initial(this.#s.topology, 0);
  }

  after(k: number, p: PassFacts): Broken | undefined {
    if (k === this.#at) {
      const saved: unknown = JSON.parse(JSON.stringify(toSnapshot(this.#state)));
      this.#restarted = fromSnapshot(this.#s.topology, saved, this.#now, 0);
    }
    this.#now = p.now;
    const { state, decisions } = pass(this.#state, p);
    this.#state = state;
    if (this.#restarted === undefined) return undefined;
    const other = pass(this.#restarted, p);
    this.#restarted = other.state;
    return difference('restart', k, decisions, other.decisions, OF_LOSS);
  }
}

/** P3 and P4 across a reload that takes a NIC and a real server away. */
export class Shrink implements Check {
  readonly #s: Sequence;
  readonly #at: number;
  /** The NIC and the real server that go. */
  readonly #nic: number;
  readonly #server: number;
  #state: JudgeState | undefined;

  constructor(s: Sequence) {
    const { nics, realServers } = s.topology;
    this.#s = s;
    this.#at = nics.length < 2 || realServers.length < 2 ? Number.POSITIVE_INFINITY : middle(s);
    this.#nic = s.seed % nics.length;
    this.#server = s.seed % realServers.length;
  }

  before(k: number, state: JudgeState, now: number): void {
    if (k !== this.#at) return;
    const t = this.#s.topology;
    const smaller = {
      ...t,
      nics: t.nics.toSpliced(this.#nic, 1),
      realServers: t.realServers.toSpliced(this.#server, 1),
      services: t.services.map((v) => ({
        ...remapped(v, (j) => without(j, this.#server)),
        nics: v.nics.flatMap((i) => without(i, this.#nic)),
      })),
    };
    this.#state = retopologise(copyOf(state), smaller, now);
  }

  after(_: number, p: PassFacts): Broken | undefined {
    if (this.#state === undefined) return undefined;
    const { state, decisions } = pass(this.#state, this.#left(p));
    this.#state = state;
    const { wanted, actions } = decisions;
    const on = wanted.nicEnabled.reduce((x, y) => x + y, 0);
    const most = Math.floor(this.#s.topology.rules['max_nics_fraction']! * wanted.nicEnabled.length);
    if (on < 1 || wanted.nicEnabled.length - on > most) return { property: 'P4', message: `after a reload ${on} NICs are left` };
    if (wanted.frozen !== '' && actions.length > 0) return { property: 'P3', message: 'an action in a freeze after a reload' };
    return undefined;
  }

  /** What of a pass concerns what is left. */
  #left({ now, results, observations }: PassFacts): PassFacts {
    return {
      now,
      results: results.flatMap(([i, target, outcome, t]) =>
        without(i, this.#nic).flatMap((nic) => {
          const left = target < 0 ? [target] : without(target, this.#server);
          return left.map((j): Result => [nic, j, outcome, t]);
        }),
      ),
      observations: observations.flatMap((f) =>
        f.kind === 'link' ? without(f.nic, this.#nic).map((nic) => ({ ...f, nic })) : [],
      ),
    };
  }
}

/** An index after `gone` was taken out: none, or one. */
function without(index: number, gone: number): number[] {
  return index === gone ? [] : [index > gone ? index - 1 : index];
}
