/** Which cores can't log all they want, found by their drops from one reading to the next. */
import { type Exact, plus } from '../../model/exact.ts';
import type { Queue } from './contract.ts';

type Known = Map<string, { readonly epoch: string; readonly dropped: Exact }>;

export class Throttle {
  /** By source, queue and core: what it had dropped at the reading before. */
  #known: Known = new Map();
  #next: Known = new Map();

  /**
   * The queue with `throttled` of each core: what the application reports, else whether it has dropped lines since the reading
   * before; unknown at the first reading.
   */
  observe(source: string, epoch: string, queue: Queue): Queue {
    const cores = queue.cores.map((core) => {
      const key = `${source}\0${queue.queue}\0${core.core}`;
      const dropped = plus(core.droppedFull, core.droppedNoBuffer);
      const known = this.#known.get(key);
      this.#next.set(key, { epoch, dropped });
      if (core.throttled !== undefined || known?.epoch !== epoch) return core;
      return { ...core, throttled: dropped > known.dropped };
    });
    return { ...queue, cores };
  }

  /** Ends a reading: what it did not mention is forgotten. */
  end(): void {
    this.#known = this.#next;
    this.#next = new Map();
  }
}
