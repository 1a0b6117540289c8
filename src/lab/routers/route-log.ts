/** Which ways a router has had to a prefix, and since when. */
import { createInterface } from 'node:readline';
import { now } from '../control.ts';
import type { Place } from './daemons.ts';

/** From `t` on (ms of the lab's clock) it sent what is for the prefix out of these interfaces. */
export interface Ways {
  readonly t: number;
  readonly devices: readonly string[];
}

export class RouteLog {
  readonly #place: Place;
  readonly #prefix: string;
  readonly #log: Ways[] = [];
  #closed = false;

  /** Follows the kernel's route of a prefix for the life of the lab. */
  constructor(place: Place, prefix: string) {
    this.#place = place;
    this.#prefix = prefix;
    const monitor = place.spawn(place.role, ['ip', 'monitor', 'route']);
    monitor.stderr!.resume();
    createInterface({ input: monitor.stdout! }).on('line', (line) => {
      if (line.includes(prefix.replace('/32', ''))) this.#read();
    });
    this.#read();
  }

  /** Reads no more. */
  close(): void {
    this.#closed = true;
  }

  #read(): void {
    if (this.#closed) return;
    const devices = waysTo(this.#place, this.#prefix);
    if (devices.join() !== this.#log.at(-1)?.devices.join()) this.#log.push({ t: now(), devices });
  }

  /** Interfaces of now. */
  get ways(): readonly string[] {
    return this.#log.at(-1)?.devices ?? [];
  }

  /** When a way was lost first after `since`, and when it was there again for good. */
  lost(device: string, since: number): { readonly goneAt: number; readonly backAt: number | undefined } | undefined {
    const after = this.#log.filter(({ t }) => t >= since);
    const goneAt = after.find(({ devices }) => !devices.includes(device))?.t;
    if (goneAt === undefined) return undefined;
    const last = after.findLastIndex(({ devices }) => !devices.includes(device));
    return { goneAt, backAt: after[last + 1]?.t };
  }
}

/** Interfaces by which the kernel there sends what is for a prefix; sorted. */
export function waysTo({ space, role }: Pick<Place, 'space' | 'role'>, prefix: string): readonly string[] {
  const routes = space.run(role, ['ip', 'route', 'show', prefix]);
  return [...routes.matchAll(/dev (\S+)/g)].map(([, device]) => device!).toSorted();
}
