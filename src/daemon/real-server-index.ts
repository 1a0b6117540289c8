/** Which checks of a plan belong to which real server of a release's list, and back. */
import { formatAddress, parseAddress } from '../model/address.ts';
import type { Plan } from '../model/plan.ts';

/** IPv4 and a port: what is written so has no other name. */
const AS_CALLED = /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){3}:[1-9]\d*$/;

export class RealServerIndex {
  /** By index of the target: index in the list, or -1. */
  readonly #own: Int32Array;
  /** Targets in the order of the list; those of entry k are from `#start[k]` on. */
  readonly #start: Int32Array;
  readonly #targets: Int32Array;

  /** @param list real servers as they are written, sorted */
  constructor(list: readonly string[], targets: Plan['targets']) {
    const at = new Map(list.map((written, index) => [written, index]));
    const isThere = new Set(targets.map(({ realServer }) => realServer));
    // Hardly any address is written otherwise than it is called; while a plan changes, none of 60 000 may be among its targets.
    for (const [index, written] of list.entries()) {
      const address = isThere.has(written) || AS_CALLED.test(written) ? undefined : parseAddress(written);
      if (address !== undefined) at.set(formatAddress(address), index);
    }
    this.#own = Int32Array.from(targets, ({ realServer }) => at.get(realServer) ?? -1);
    this.#start = new Int32Array(list.length + 1);
    for (const own of this.#own) if (own >= 0) this.#start[own + 1]!++;
    for (let k = 0; k < list.length; k++) this.#start[k + 1]! += this.#start[k]!;
    this.#targets = new Int32Array(this.#start[list.length]!);
    const next = this.#start.slice();
    for (const [target, own] of this.#own.entries()) if (own >= 0) this.#targets[next[own]!++] = target;
  }

  /** Entries of the list that one of these targets is a check of: ascending, each once. */
  entriesOf(targets: readonly number[]): readonly number[] {
    const entries = new Set<number>();
    for (const target of targets) if (this.#own[target]! >= 0) entries.add(this.#own[target]!);
    return [...entries].toSorted((a, b) => a - b);
  }

  /** The targets that check an entry of the list. */
  targetsOf(entry: number): readonly number[] {
    return [...this.#targets.subarray(this.#start[entry], this.#start[entry + 1])];
  }
}
