/** Which calls may start: at most as many at once as an actuator allows, and one at a time for a batching instance. */
import type { Actuator } from './actuator.ts';

export class Slots {
  readonly #running = new Map<string, number>();
  /** Batching instances with a call under way. */
  readonly #busy = new Set<string>();

  /** Takes a slot for a call, if there is one. @param instance what its batch is for; '' without batches */
  take({ name, concurrency }: Actuator, instance: string): boolean {
    const running = this.#running.get(name) ?? 0;
    if (running >= concurrency || this.#busy.has(instance)) return false;
    this.#running.set(name, running + 1);
    if (instance !== '') this.#busy.add(instance);
    return true;
  }

  /** The call has ended. */
  free({ name }: Actuator, instance: string): void {
    this.#running.set(name, this.#running.get(name)! - 1);
    this.#busy.delete(instance);
  }
}
