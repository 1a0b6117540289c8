/**
 * When each decider has changed its mind about a real server: fourlane's decisions as the judge makes them, keepalived's as its
 * FIFO says. Kept for a while only: the look at the tables, once a second, is what counts.
 */
import type { CheckerNotice } from '../keepalived/state/notify.ts';
import type { Who } from '../shadow/comparison.ts';
import type { Action } from '../model/verdict.ts';

interface Moment {
  readonly in: boolean;
  readonly at: number;
}

/** Older moments were seen by a look long ago, ms. */
const KEPT_MS = 60_000;

export class Moments {
  readonly #moments = new Map<string, Moment>();
  #swept = 0;

  /** The judge's actions of a pass. */
  decided(actions: readonly Action[], now: number): void {
    for (const action of actions)
      if (action.action === 'set_real_server') this.#note(`fourlane ${action.service} ${action.rs}`, action.weight > 0, now);
  }

  notified({ vip = '', realServer, up }: CheckerNotice, now: number): void {
    this.#note(`keepalived ${vip} ${realServer}`, up, now);
  }

  #note(key: string, isIn: boolean, at: number): void {
    this.#moments.set(key, { in: isIn, at });
    if (at - this.#swept < KEPT_MS) return;
    this.#swept = at;
    for (const [name, moment] of this.#moments) if (at - moment.at > KEPT_MS) this.#moments.delete(name);
  }

  /**
   * The times of what both want now, where they are known.
   * @param names `service` and `target` of fourlane, `vip` and `realServer` of keepalived
   */
  of(
    names: { readonly service: string; readonly target: string; readonly vip: string; readonly realServer: string },
    wanted: Readonly<Record<Who, boolean>>,
  ): Partial<Record<Who, number>> {
    const ours = this.#moments.get(`fourlane ${names.service} ${names.target}`);
    const theirs =
      this.#moments.get(`keepalived ${names.vip} ${names.realServer}`) ?? this.#moments.get(`keepalived  ${names.realServer}`);
    return {
      ...(ours?.in === wanted.fourlane ? { fourlane: ours.at } : {}),
      ...(theirs?.in === wanted.keepalived ? { keepalived: theirs.at } : {}),
    };
  }
}
