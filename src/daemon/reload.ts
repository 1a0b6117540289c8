/** Reload: a good file replaces the plan, a bad one changes nothing. One at a time; the last result is remembered. */
import { hostname } from 'node:os';
import { unpackPlan } from '../config/plan-bytes.ts';
import type { ConfigThread } from '../config/thread.ts';
import { codeOf } from '../model/errors.ts';
import type { ReloadResult } from '../report/view.ts';
import type { Plan } from '../model/plan.ts';
import type { Span, Tracer } from '../otel/tracer.ts';
import type { Logger } from '../sys/log.ts';
import type { CurrentPlan } from './current-plan.ts';

export interface ReloaderOptions {
  readonly file: string;
  readonly plans: CurrentPlan;
  /** Reads the file, elsewhere: a long one takes longer than the judge may wait. */
  readonly loader: Pick<ConfigThread, 'load'>;
  /** Makes the running agent follow the new plan. */
  readonly apply: (plan: Plan) => Promise<void>;
  /** Called after each of them, however it ended. */
  readonly ended: () => void;
  readonly clock: () => number;
  readonly log: Logger;
  readonly tracer: Tracer;
}

export class Reloader {
  readonly #o: ReloaderOptions;
  /** The last plan was not applied to its end: the next reload applies again, even if the file is the same. */
  #incomplete = false;
  #running: Promise<ReloadResult> | undefined;
  #next: Promise<ReloadResult> | undefined;

  constructor(options: ReloaderOptions) {
    this.#o = options;
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
    this.#running = this.#o.tracer.span('config apply', {}, (span) => this.#finish(span));
    return this.#running;
  }

  async #finish(span: Span): Promise<ReloadResult> {
    const result = await this.#try();
    const { plans, clock, log, ended } = this.#o;
    const { revision } = plans.plan;
    span.set({ 'fourlane.revision': revision, 'fourlane.summary': result.message });
    if (!result.ok) span.fail([result.message, ...(result.errors ?? [])].join('\n'));
    plans.ended(result, clock());
    this.#running = undefined;
    ended();
    if (result.ok) log.info({ revision }, `config: ${result.message}`);
    else log.error({ code: result.code, errors: result.errors }, `config not applied: ${result.message}`);
    return result;
  }

  async #try(): Promise<ReloadResult> {
    const { file, plans, loader, apply } = this.#o;
    try {
      const loaded = await loader.load({ path: file, hostname: hostname(), running: plans.bytes, revision: plans.plan.revision });
      if ('refused' in loaded) {
        const { code, refused, mistakes } = loaded;
        const message = mistakes.length > 0 ? 'the file is refused; the running configuration stays' : refused;
        return { ok: false, code, message, errors: mistakes };
      }
      const { plan: bytes, same, needsRestart, summary } = loaded;
      if (needsRestart.length > 0) {
        return {
          ok: false,
          code: 'CONFIG_INVALID',
          message: `${needsRestart.join(', ')} cannot change while running; restart the agent. Nothing was changed`,
        };
      }
      if (!same || this.#incomplete) {
        if (bytes !== undefined) plans.replace(unpackPlan(bytes), bytes);
        this.#incomplete = true;
        await apply(plans.plan);
        this.#incomplete = false;
      }
      return { ok: true, message: summary };
    } catch (error) {
      return { ok: false, code: codeOf(error), message: (error as Error).message, errors: [] };
    }
  }
}
