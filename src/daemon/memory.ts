/**
 * Remembers why each present verdict was given. The judge explains from what it sees now, which is right until a fault heals
 * while its verdict is still held: then the reader needs the evidence of the moment it was named.
 */
import { nameOf } from '../model/subject.ts';
import type { Transition, Verdict } from '../model/verdict.ts';

/** Verdicts remembered at most; a mass failure names thousands, and each holds up to 16 cells. */
const MOST = 2000;

export class VerdictMemory {
  readonly #named = new Map<string, Transition>();

  /** Takes a pass's transitions, oldest first. */
  record(transitions: readonly Transition[]): void {
    for (const t of transitions) {
      const name = nameOf(t);
      this.#named.delete(name);
      if (t.verdict !== 'OK') this.#named.set(name, t);
    }
    for (const name of this.#named.keys()) {
      if (this.#named.size <= MOST) break;
      this.#named.delete(name);
    }
  }

  /** The verdict with the reason and evidence it was given for, as far as they are remembered. */
  explain(verdict: Verdict): Verdict {
    const then = this.#named.get(nameOf(verdict));
    if (then === undefined || then.verdict !== verdict.verdict || then.cause !== verdict.cause) return verdict;
    const reason = hasHealed(then, verdict)
      ? `${then.reason} It answers again now, and is held until it has stayed well long enough.`
      : then.reason;
    return { ...verdict, reason, evidence: then.evidence };
  }
}

/** Whether what failed answers: without a cell that is known, nothing answers. */
function hasHealed({ evidence: before }: Verdict, { subject, nic, evidence: now }: Verdict): boolean {
  if (before.failing === 0 || now.failing > 0) return false;
  if (subject === 'rack') return true;
  if (subject === 'agent') return (now.numbers['cells'] ?? 0) > (now.numbers['unknown'] ?? 0);
  // For a path the other NICs' cells are witnesses; its own must be known good.
  if (subject === 'path') return now.witnesses > 0 && now.cells.some((cell) => cell.nic === nic && cell.consecutiveBad === 0);
  return now.witnesses > 0;
}
