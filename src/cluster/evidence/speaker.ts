/** What this server says to the others: written when it differs from what was written last, as often as its pace allows. */
import { encodeEvidence, type Evidence } from './evidence.ts';
import { RESTED, takeTurn } from './pace.ts';

export class Speaker {
  #pace = RESTED;
  #last: Buffer | undefined;
  /** Times that something was written. */
  writes = 0;

  /** The bytes to write at `now` (ms of the own clock); undefined = nothing is new, or it is too early. */
  next(evidence: Evidence, now: number): Buffer | undefined {
    const bytes = encodeEvidence(evidence);
    if (this.#last?.equals(bytes) === true) return undefined;
    const turn = takeTurn(this.#pace, now);
    if (!('next' in turn)) return undefined;
    this.#pace = turn.next;
    this.#last = bytes;
    this.writes++;
    return bytes;
  }

  /** What was written is not there any more. */
  again(): void {
    this.#last = undefined;
  }
}
