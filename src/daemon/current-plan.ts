/** The plan that the agent follows: replaced by a reload, read by every part. */
import type { Plan } from '../model/plan.ts';

export class CurrentPlan {
  #plan: Plan;

  constructor(first: Plan) {
    this.#plan = first;
  }

  get plan(): Plan {
    return this.#plan;
  }

  replace(plan: Plan): void {
    this.#plan = plan;
  }
}
