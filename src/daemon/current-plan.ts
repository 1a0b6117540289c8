/**
 * The configuration that the agent follows, and how it fared when it was last loaded: replaced by a reload, read by every part.
 */
import { packPlan } from '../config/plan-bytes.ts';
import type { Plan } from '../model/plan.ts';
import type { ReloadResult } from '../report/view.ts';

export class CurrentPlan {
  #plan: Plan;
  #bytes: SharedArrayBuffer;
  #last: ReloadResult & { readonly t: number };

  /** @param t when it was loaded, ms of the clock */
  constructor(first: Plan, t: number) {
    this.#plan = first;
    this.#bytes = packPlan(first);
    this.#last = { ok: true, message: 'started', t };
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** The plan for other threads. */
  get bytes(): SharedArrayBuffer {
    return this.#bytes;
  }

  /** The last time a configuration was loaded or refused; the start counts. */
  get last(): ReloadResult & { readonly t: number } {
    return this.#last;
  }

  /** @param bytes the same plan, for other threads */
  replace(plan: Plan, bytes = packPlan(plan)): void {
    this.#plan = plan;
    this.#bytes = bytes;
  }

  ended(result: ReloadResult, t: number): void {
    this.#last = { ...result, t };
  }
}
