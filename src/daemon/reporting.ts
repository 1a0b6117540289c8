/**
 * The regular report of shadow mode: at its times, to its places. A place that can't be reached is told once, and tried again the
 * next time.
 */
import { cron } from '../config/report.ts';
import type { Plan, ReportSettings, ReportWebhook } from '../model/plan.ts';
import type { ShadowAnswer } from '../report/view.ts';
import { writeAtomic } from '../sys/files.ts';
import type { Logger } from '../sys/log.ts';
import { postJson } from '../sys/post.ts';

export interface ReportingParts {
  readonly log: Logger;
  readonly plan: () => Pick<Plan, 'cluster' | 'server'>;
  /** undefined: no service is in shadow mode. */
  readonly report: () => ShadowAnswer | undefined;
  /** Unix ms. */
  readonly wall?: () => number;
}

/** Longest text that is sent, in characters. */
const LONGEST = 65_536;
const FILE_MODE = 0o644;

type Place = (answer: ShadowAnswer) => Promise<void> | void;

export class Reporting {
  readonly #p: Required<ReportingParts>;
  #following = '';
  #task: { destroy(): unknown } | undefined;
  /** Why a place could not be reached the last time, by its name. */
  readonly #failures = new Map<string, string>();

  constructor(parts: ReportingParts) {
    this.#p = { wall: Date.now, ...parts };
  }

  /** Keeps to this plan from now on. */
  follow(settings: ReportSettings | undefined): void {
    const text = JSON.stringify(settings) ?? '';
    if (text === this.#following) return;
    this.#following = text;
    void this.#task?.destroy();
    this.#failures.clear();
    this.#task = undefined;
    if (settings === undefined) return;
    const { timezone } = settings;
    const silent = () => undefined;
    const options = {
      noOverlap: true,
      unref: true,
      suppressMissedWarning: true,
      logger: { info: silent, warn: silent, error: silent, debug: silent },
      ...(timezone === undefined ? {} : { timezone }),
    };
    this.#task = cron().schedule(settings.schedule, () => this.send(settings), options);
  }

  /** Sends one now. Never rejects. */
  async send({ to }: ReportSettings): Promise<void> {
    const { log, report } = this.#p;
    const full = report();
    if (full === undefined) return log.warn({}, 'no service is in shadow mode: there is nothing to report');
    const answer = { ...full, report: full.report.slice(0, LONGEST) };
    await Promise.all(Object.entries(this.#placesOf(to)).map(([name, place]) => this.#deliver(name, place, answer)));
  }

  #placesOf({ log, file, webhook }: ReportSettings['to']): Readonly<Record<string, Place>> {
    return {
      ...(log ? { log: (answer: ShadowAnswer) => this.#log(answer) } : {}),
      ...(file === undefined ? {} : { file: ({ report }: ShadowAnswer) => writeAtomic(file, report, { mode: FILE_MODE }) }),
      ...(webhook === undefined ? {} : { webhook: (answer: ShadowAnswer) => this.#post(answer, webhook) }),
    };
  }

  async #deliver(name: string, place: Place, answer: ShadowAnswer): Promise<void> {
    const { log } = this.#p;
    const before = this.#failures.get(name);
    try {
      await place(answer);
      this.#failures.delete(name);
      if (before !== undefined) log.info({ to: name }, 'report sent again');
    } catch (error) {
      const { message } = error as Error;
      this.#failures.set(name, message);
      if (message !== before) log.error({ to: name, error: message }, 'report not sent; tried again at the next time');
    }
  }

  #log({ compared, agreeing, report }: ShadowAnswer): void {
    for (const line of report.trimEnd().split('\n')) this.#p.log.info({ compared, agreeing }, `report: ${line}`);
  }

  #post({ compared, agreeing, report }: ShadowAnswer, { url, headers, timeout }: ReportWebhook) {
    const { cluster, server } = this.#p.plan();
    const at = new Date(this.#p.wall()).toISOString();
    const body = { version: 1, kind: 'shadow', cluster, server, at, compared, agreeing, text: report };
    return postJson(url, body, { headers, timeoutMs: timeout });
  }

  async stop(): Promise<void> {
    await this.#task?.destroy();
    this.#task = undefined;
  }
}
