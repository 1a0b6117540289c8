/**
 * Reload: a good file replaces the plan, a bad one changes nothing. One at a time, and one a second: whoever may ask for it must
 * not keep the agent busy with it. The last result is remembered.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPlan } from '../config/plan-bytes.ts';
import type { Followed, LoadAnswer, ReleaseRequest } from '../config/messages.ts';
import type { ConfigThread } from '../config/thread.ts';
import { codeOf } from '../model/errors.ts';
import type { ReloadResult } from '../report/view.ts';
import type { Plan } from '../model/plan.ts';
import type { Span, Tracer } from '../otel/tracer.ts';
import { fileVersion } from '../sys/files.ts';
import type { Logger } from '../sys/log.ts';
import type { CurrentPlan } from './current-plan.ts';

const LEAST_MS = 1000;
/** How long the plan of a release is kept for being applied; afterwards it is made again. */
const EXAMINED_MS = 30_000;

interface Examined {
  readonly root: string;
  /** Of the file. */
  readonly version: string | undefined;
  /** Of the plan that ran. */
  readonly fingerprint: string;
  readonly answer: LoadAnswer;
}

export interface ReloaderOptions {
  readonly file: string;
  readonly plans: CurrentPlan;
  /** Reads the file, elsewhere: a long one takes longer than the judge may wait. */
  readonly loader: Pick<ConfigThread, 'load'>;
  /** The release of the cluster that runs: it goes on beside the file. */
  readonly release?: () => ReleaseRequest | undefined;
  /** Makes the running agent follow the new plan. */
  readonly apply: (plan: Plan, before: Plan) => Promise<void>;
  /** Told what an import was read from, when that is applied or refused. */
  readonly read?: (files: Followed) => void;
  /** Called after each of them, however it ended. */
  readonly ended: () => void;
  /** Called after the file was read again because somebody asked for it. */
  readonly reloaded?: () => void;
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
  /** What ran before the plan that was not applied to its end. */
  #before: Plan | undefined;
  /** A release that was examined, and is likely to be applied next. */
  #examined: Examined | undefined;
  #forget: NodeJS.Timeout | undefined;
  /** Ends with what is done now; undefined = nothing is. */
  #turn: Promise<void> | undefined;
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

  /** What the file with this release would change. Rejects when the thread that reads it does not answer. */
  examine(release: ReleaseRequest): Promise<LoadAnswer> {
    return this.#exclusively(async () => {
      const version = await this.#version();
      const { fingerprint } = this.#o.plans.plan;
      const answer = await this.#load(release);
      clearTimeout(this.#forget);
      this.#examined = { root: release.root, version, fingerprint, answer };
      this.#forget = setTimeout(() => (this.#examined = undefined), EXAMINED_MS).unref();
      return answer;
    });
  }

  /** Applies the file with this release. A bad one changes nothing. */
  take(release: ReleaseRequest): Promise<ReloadResult> {
    const { tracer, plans, clock, ended } = this.#o;
    return this.#exclusively(() =>
      tracer.span('config apply', {}, async (span) => {
        const result = await this.#try(release, await this.#known(release));
        span.set({ 'fourlane.revision': plans.plan.revision, 'fourlane.summary': result.message });
        if (result.ok) plans.ended(result, clock());
        else span.fail(result.message);
        ended();
        return result;
      }),
    );
  }

  /** Applies again what ran before the plan that was not applied to its end. Rejects when that does not work either. */
  putBack(): Promise<void> {
    return this.#exclusively(async () => {
      const { plans, apply, ended } = this.#o;
      const before = this.#before;
      if (before === undefined) return;
      const failed = plans.plan;
      plans.replace(before);
      await apply(before, failed);
      this.#incomplete = false;
      this.#before = undefined;
      ended();
    });
  }

  /** One thing at a time: what is compared with must still run when it is applied. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn === undefined ? work() : this.#turn.then(work);
    const turn = done.then(
      () => undefined,
      () => undefined,
    );
    this.#turn = turn;
    void turn.then(() => {
      if (this.#turn === turn) this.#turn = undefined;
    });
    return done;
  }

  async #version(): Promise<string | undefined> {
    return (await fileVersion(this.#o.file).catch(() => undefined))?.key;
  }

  async #known({ root }: ReleaseRequest): Promise<LoadAnswer | undefined> {
    const examined = this.#examined;
    this.#examined = undefined;
    if (examined === undefined || examined.root !== root || examined.version !== (await this.#version())) return undefined;
    return examined.fingerprint === this.#o.plans.plan.fingerprint ? examined.answer : undefined;
  }

  #load(release: ReleaseRequest | undefined): Promise<LoadAnswer> {
    const { file: path, plans, loader } = this.#o;
    const { fingerprint } = plans.plan;
    return loader.load({ path, hostname: hostname(), running: plans.bytes, fingerprint, release });
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
    const result = await this.#exclusively(() => this.#try(this.#o.release?.()));
    const { plans, clock, log, ended } = this.#o;
    const { revision } = plans.plan;
    span.set({ 'fourlane.revision': revision, 'fourlane.summary': result.message });
    if (!result.ok) span.fail([result.message, ...(result.errors ?? [])].join('\n'));
    plans.ended(result, clock());
    this.#running = undefined;
    ended();
    this.#o.reloaded?.();
    if (result.ok) log.info({ revision }, `config: ${result.message}`);
    else log.error({ code: result.code, errors: result.errors }, `config not applied: ${result.message}`);
    return result;
  }

  async #try(release?: ReleaseRequest, known?: LoadAnswer): Promise<ReloadResult> {
    const { plans, apply, read } = this.#o;
    try {
      const loaded = known ?? (await this.#load(release));
      if (loaded.followed !== undefined) read?.(loaded.followed);
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
        if (!this.#incomplete) this.#before = before;
        this.#incomplete = true;
        await apply(plans.plan, before);
        this.#incomplete = false;
        this.#before = undefined;
      }
      return { ok: true, message: summary };
    } catch (error) {
      return { ok: false, code: codeOf(error), message: (error as Error).message, errors: [] };
    }
  }
}
