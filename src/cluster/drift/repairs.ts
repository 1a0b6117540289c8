/**
 * Drift is repaired by policy only, and never fought over: once for each that is found, and not again within ten minutes. What
 * differs still, or again in the same way, is left to people, who see it reported.
 */
import type { DriftPolicies } from '../../model/plan.ts';
import type { LifeState } from '../applied/state.ts';

export const REPAIR_EVERY_MS = 600_000;
/** So much at once is no drift but a restart, or somebody at work: it is only reported. */
export const MOST_REPAIRED = 100;

export type Repairable = keyof DriftPolicies;

/** What differs now, of one kind. */
export interface Differing {
  /** The same text, the same drift; '' = nothing differs. */
  readonly what: string;
  readonly count: number;
}

interface Tried {
  readonly what: string;
  readonly at: number;
}

export interface RepairContext {
  readonly policies: DriftPolicies;
  /** ms of the own clock. */
  readonly now: number;
}

export interface RepairActs {
  /** Tries the release again that failed. */
  readonly again: () => void;
  /** Puts the data plane as it was decided; false = this server doubts itself, and touches nothing. */
  readonly repair: () => boolean;
  readonly log: (level: 'warn', fields: object, message: string) => void;
}

export class Repairs {
  readonly #tried = new Map<Repairable, Tried>();
  readonly counts: Record<Repairable, number> = { configuration: 0, dataPlane: 0 };

  /** Repairs what is due. Nothing in maintenance, and nothing while a release is under way: it has not failed again yet. */
  look({ failure, held, work, drift }: LifeState, context: RepairContext, { again, repair, log }: RepairActs): void {
    if (work !== undefined || held !== undefined) return;
    const { count, samples } = drift;
    const differing = { what: count === 0 ? '' : JSON.stringify(samples), count };
    const before = this.#tried.get('dataPlane');
    if (this.due('dataPlane', differing, context)) {
      if (repair()) log('warn', { count, samples }, 'the data plane is not as it was decided; it is put right once');
      else this.#takeBack('dataPlane', before);
    }
    const failed = failure === undefined ? '' : `${failure.seen} ${failure.error}`;
    if (!this.due('configuration', { what: failed, count: 1 }, context)) return;
    log('warn', { error: failure!.error }, 'the release of the ring does not run here; it is tried once more');
    again();
  }

  /** It was not done after all. */
  #takeBack(kind: Repairable, before: Tried | undefined): void {
    if (before === undefined) this.#tried.delete(kind);
    else this.#tried.set(kind, before);
    this.counts[kind]--;
  }

  /** Whether to repair now; counts it when it says so. */
  due(kind: Repairable, { what, count }: Differing, { policies, now }: RepairContext): boolean {
    const tried = this.#tried.get(kind);
    if (what === '') {
      // What comes back later is a drift of its own, but no sooner.
      if (tried !== undefined && tried.what !== '') this.#tried.set(kind, { ...tried, what });
      return false;
    }
    if (policies[kind] === 'report' || count > MOST_REPAIRED || tried?.what === what) return false;
    if (tried !== undefined && now - tried.at < REPAIR_EVERY_MS) return false;
    this.#tried.set(kind, { what, at: now });
    this.counts[kind]++;
    return true;
  }
}
