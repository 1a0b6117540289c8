/**
 * Effects of kinds that their actuator can't carry out, such as one NIC's part of a service where the data plane has no such
 * thing.
 */
import type { Effect } from './actuator.ts';
import type { ActionReport, PendingEffect } from './report.ts';

interface Wanted {
  readonly effect: Effect;
  /** Since when, ms of the clock. */
  readonly since: number;
}

export class Impossible {
  readonly #reported = new Set<string>();
  /** By key, those that are wanted now and those that were before they were counted again. */
  #wanted = new Map<string, Wanted>();
  #before = new Map<string, Wanted>();

  /** Counts one. @returns what to report: only for the first of its service and kind */
  add(effect: Effect, now: number): ActionReport | undefined {
    this.#wanted.set(effect.key, { effect, since: this.#before.get(effect.key)?.since ?? now });
    const { spec, service, kind } = effect;
    const name = JSON.stringify([spec.type, service, kind]);
    if (this.#reported.has(name)) return undefined;
    this.#reported.add(name);
    const error = `${why(effect)}; this is told once for the service`;
    return { effect, result: 'unsupported', durationMs: 0, failures: 0, error, known: false, drift: false };
  }

  /** Before the wanted effects are counted again. */
  recount(): void {
    this.#before = this.#wanted;
    this.#wanted = new Map();
  }

  get size(): number {
    return this.#wanted.size;
  }

  effects(): readonly Effect[] {
    return Array.from(this.#wanted.values(), ({ effect }) => effect);
  }

  /** What is wanted, oldest first; `restOf`: what is in place, since nothing was done. */
  pending(restOf: (effect: Effect) => string | undefined): readonly PendingEffect[] {
    const all = [...this.#wanted.values()].sort((a, b) => a.since - b.since);
    return all.map(({ effect, since }): PendingEffect => {
      const error = why(effect);
      return { effect, state: 'unsupported', actual: restOf(effect), since, failures: 0, retryAt: 0, error };
    });
  }

  /** The plan is another: each is reported again. */
  forget(): void {
    this.#reported.clear();
  }
}

function why({ spec, kind }: Effect): string {
  return `${spec.type} can't carry out effects of kind ${kind}`;
}

/** Adds one effect to the number of its actuator's. */
export function count(numbers: Map<string, number>, { spec }: Effect): void {
  numbers.set(spec.type, (numbers.get(spec.type) ?? 0) + 1);
}
