/** Reload: a good file replaces the plan, a bad one changes nothing. One at a time; the last result is remembered. */
import { hostname } from 'node:os';
import { diffPlans, type PlanDiff } from '../config/diff.ts';
import { loadPlanFile } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { codeOf } from '../model/errors.ts';
import type { ReloadResult } from '../report/view.ts';
import type { Plan } from '../model/plan.ts';
import type { Span, Tracer } from '../otel/tracer.ts';
import type { Logger } from '../sys/log.ts';

export class Reloader {
  readonly #file: string;
  readonly #apply: (plan: Plan, diff: PlanDiff) => Promise<void>;
  readonly #clock: () => number;
  readonly #log: Logger;
  readonly #tracer: Tracer;
  /** The last plan was not applied to its end: the next reload applies again, even if the file is the same. */
  #incomplete = false;
  #plan: Plan;
  #last: ReloadResult & { readonly t: number };
  #running: Promise<ReloadResult> | undefined;
  #next: Promise<ReloadResult> | undefined;

  /** @param apply makes the running agent follow the new plan */
  constructor(
    file: string,
    plan: Plan,
    apply: (plan: Plan, diff: PlanDiff) => Promise<void>,
    { clock, log, tracer }: { readonly clock: () => number; readonly log: Logger; readonly tracer: Tracer },
  ) {
    this.#log = log;
    this.#tracer = tracer;
    this.#file = file;
    this.#plan = plan;
    this.#apply = apply;
    this.#clock = clock;
    this.#last = { ok: true, message: 'started', t: clock() };
  }

  get plan(): Plan {
    return this.#plan;
  }

  get last(): ReloadResult & { readonly t: number } {
    return this.#last;
  }

  /** Loads the file again. Requests that come while one runs get a run of their own after it, shared by all of them. */
  reload(): Promise<ReloadResult> {
    if (this.#next !== undefined || this.#running === undefined) return this.#next ?? this.#once();
    this.#next = this.#running.then(() => {
      this.#next = undefined;
      return this.#once();
    });
    return this.#next;
  }

  #once(): Promise<ReloadResult> {
    this.#running = this.#tracer.span('config apply', {}, (span) => this.#finish(span));
    return this.#running;
  }

  async #finish(span: Span): Promise<ReloadResult> {
    const result = await this.#try();
    span.set({ 'fourlane.revision': this.#plan.revision, 'fourlane.summary': result.message });
    if (!result.ok) span.fail([result.message, ...(result.errors ?? [])].join('\n'));
    this.#last = { ...result, t: this.#clock() };
    this.#running = undefined;
    if (result.ok) this.#log.info({ revision: this.#plan.revision }, `config: ${result.message}`);
    else this.#log.error({ code: result.code, errors: result.errors }, `config not applied: ${result.message}`);
    return result;
  }

  async #try(): Promise<ReloadResult> {
    try {
      const plan = loadPlanFile(this.#file, { hostname: hostname() });
      const diff = diffPlans(this.#plan, plan);
      if (diff.needsRestart.length > 0) {
        return {
          ok: false,
          code: 'CONFIG_INVALID',
          message: `${diff.needsRestart.join(', ')} cannot change while running; restart the agent. Nothing was changed`,
        };
      }
      if (!diff.same || this.#incomplete) {
        this.#plan = plan;
        this.#incomplete = true;
        await this.#apply(plan, diff);
        this.#incomplete = false;
      }
      return { ok: true, message: diff.summary };
    } catch (error) {
      const errors = error instanceof ConfigError ? error.message.split('\n') : [];
      return {
        ok: false,
        code: codeOf(error),
        message: errors.length > 0 ? 'the file is refused; the running configuration stays' : (error as Error).message,
        errors,
      };
    }
  }
}
