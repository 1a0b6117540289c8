/**
 * Reload: a good file replaces the plan, a bad one changes nothing. One at a time, and one a second: whoever may ask for it must
 * not keep the agent busy with it. The last result is remembered.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPlan } from '../config/plan-bytes.ts';
import type { ConfigThread } from '../config/thread.ts';
import { codeOf } from '../model/errors.ts';
import type { ReloadResult } from '../report/view.ts';
import type { Plan } from '../model/plan.ts';
import type { Span, Tracer } from '../otel/tracer.ts';
import type { Logger } from '../sys/log.ts';
import type { CurrentPlan } from './current-plan.ts';

const LEAST_MS = 1000;

export interface ReloaderOptions {
  readonly file: string;
  readonly plans: CurrentPlan;
  /** Reads the file, elsewhere: a long one takes longer than the judge may wait. */
  readonly loader: Pick<ConfigThread, 'load'>;
  /** Makes the running agent follow the new plan. */
  readonly apply: (plan: Plan, before: Plan) => Promise<void>;
  /** Called after each of them, however it ended. */
  readonly ended: () => void;
  readonly clock: () => number;
  /** From the beginning of one to that of the next, ms; a second unless said otherwise. */
  readonly leastMs?: number;
  readonly log: Logger;
  readonly tracer: Tracer;
}

export class Reloader {
  readonly #o: ReloaderOptions;
  /** The last plan was not applied to its end: the next reload applies again, even if the file is the same. */
  #incomplete = false;
  #running: Promise<ReloadResult> | undefined;
  #next: Promise<ReloadResult> | undefined;
  /** When the last one began, ms of the clock. */
  #begun = Number.NEGATIVE_INFINITY;

  constructor(options: ReloaderOptions) {
    this.#o = options;
  }

  /**
   * Loads the file again. Requests that come while one runs, or sooner than a second after the last one began, get a run of their
   * own after that, shared by all of them.
   */
  reload(): Promise<ReloadResult> {
    if (this.#next !== undefined) return this.#next;
    const { clock, leastMs = LEAST_MS } = this.#o;
    const wait = this.#begun + leastMs - clock();
    if (this.#running === undefined && wait <= 0) return this.#once();
    this.#next = this.#later(wait);
    return this.#next;
  }

  async #later(waitMs: number): Promise<ReloadResult> {
    await Promise.all([this.#running, sleep(Math.max(0, waitMs))]);
    this.#next = undefined;
    return this.#once();
  }

  #once(): Promise<ReloadResult> {
    this.#begun = this.#o.clock();
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
      const { fingerprint } = plans.plan;
      const loaded = await loader.load({ path: file, hostname: hostname(), running: plans.bytes, fingerprint });
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
        const before = plans.plan;
        if (bytes !== undefined) plans.replace(unpackPlan(bytes, plans.plan), bytes);
        this.#incomplete = true;
        await apply(plans.plan, before);
        this.#incomplete = false;
      }
      return { ok: true, message: summary };
    } catch (error) {
      return { ok: false, code: codeOf(error), message: (error as Error).message, errors: [] };
    }
  }
}
