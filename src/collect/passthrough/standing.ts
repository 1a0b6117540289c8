/** What is known of every real server that declares passthrough, from the readings so far. Pure but for what it remembers. */
import { type Cause, findingOf, type Finding, type Result, resultOf, type Verified } from '../../passthrough/findings.ts';
import type { Done, Job } from '../../passthrough/verify.ts';

export interface Standing {
  readonly service: string;
  readonly realServer: string;
  readonly way: Job['way'];
  readonly result: Result;
  /** Of a mismatch, and of what this machine lacks. */
  readonly finding?: Finding;
  /** Left out: as declared. */
  readonly cause?: Cause;
  /** Level and what was found. */
  readonly found: string;
  /** Unix ms of the last verification that was `ok`; 0 = never. */
  readonly lastOk: number;
}

type Key = Pick<Job, 'way' | 'service' | 'realServer'>;
const keyOf = ({ way, service, realServer }: Key) => `${way} ${service} ${realServer}`;

/** The one that counts: a mismatch of the strongest level, else what could not be seen, else the strongest level. */
export function decisive(found: readonly Verified[]): Verified {
  const strongest = found.toReversed();
  return (
    strongest.find((one) => resultOf(one) === 'mismatch') ?? strongest.find((one) => resultOf(one) === 'unknown') ?? strongest[0]!
  );
}

export class Standings {
  readonly #known = new Map<string, Standing>();

  /** Forgets what is no longer declared. */
  keep(jobs: readonly Job[]): void {
    const declared = new Set(jobs.map(keyOf));
    for (const key of this.#known.keys()) if (!declared.has(key)) this.#known.delete(key);
  }

  /** @param now Unix ms */
  take(done: readonly Done[], now: number): void {
    for (const { job, found } of done) {
      const before = this.#known.get(keyOf(job));
      const one = decisive(found);
      const result = resultOf(one);
      const { cause } = one;
      const finding = cause && findingOf(cause);
      this.#known.set(keyOf(job), {
        ...job,
        result,
        ...(finding === undefined ? {} : { finding }),
        ...(cause === undefined ? {} : { cause }),
        found: `${one.level}: ${one.found}`,
        lastOk: result === 'ok' ? now : (before?.lastOk ?? 0),
      });
    }
  }

  all(): readonly Standing[] {
    return [...this.#known.values()];
  }
}
