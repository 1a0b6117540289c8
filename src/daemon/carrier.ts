/**
 * A NIC's link as the judge gets it: the kernel's carrier, and with `dataplane` the link of the port behind it too. A cable
 * pulled from a DPDK port leaves the kernel's interface up, so the port's word counts when it says "down"; when nobody says
 * anything any more, it counts for nothing (fail open).
 */
import type { Unstamped } from '../model/facts.ts';
import type { Plan } from '../model/plan.ts';
import { LinkMonitor } from '../sys/link-monitor.ts';
import type { Logger } from '../sys/log.ts';

interface Known {
  kernel: 0 | 1 | undefined;
  port: 0 | 1 | undefined;
  /** Until when the port's word holds, ms. */
  until: number;
  reported: string | undefined;
}

export class Carriers {
  readonly #report: (fact: Unstamped) => void;
  readonly #nics = new Map<number, Known>();

  /** @param report receives each change, and the first state */
  constructor(report: (fact: Unstamped) => void) {
    this.#report = report;
  }

  /** The plan has changed: everything is reported again. */
  reset(): void {
    this.#nics.clear();
  }

  kernel(nic: number, carrier: 0 | 1, t: number): void {
    const known = this.#of(nic);
    known.kernel = carrier;
    this.#update(nic, known, t);
  }

  /** What a collector says of the port behind the NIC; holds for `forMs`. */
  port(nic: number, link: 0 | 1, t: number, forMs: number): void {
    const known = this.#of(nic);
    known.port = link;
    known.until = t + forMs;
    this.#update(nic, known, t);
  }

  /** Forgets what nobody has repeated. Call now and then. */
  expire(now: number): void {
    for (const [nic, known] of this.#nics) {
      if (known.port === undefined || now <= known.until) continue;
      known.port = undefined;
      this.#update(nic, known, now);
    }
  }

  #of(nic: number): Known {
    let known = this.#nics.get(nic);
    if (known === undefined) this.#nics.set(nic, (known = { kernel: undefined, port: undefined, until: 0, reported: undefined }));
    return known;
  }

  #update(nic: number, known: Known, t: number): void {
    const { kernel, port } = known;
    const carrier = kernel === 0 || port === 0 ? 0 : kernel;
    if (carrier === undefined) return;
    const sides = port === undefined ? {} : { port, ...(kernel === undefined ? {} : { kernel }) };
    const text = JSON.stringify([carrier, sides]);
    if (text === known.reported) return;
    known.reported = text;
    this.#report({ kind: 'link', measuredAt: t, nic, carrier, ...sides });
  }
}

export interface LinkParts {
  readonly clock: () => number;
  readonly log: Logger;
  readonly plan: () => Plan;
  readonly carriers: Carriers;
}

/** Watches the kernel's links of the plan's NICs; several NICs may share one device. */
export function watchLinks({ clock, log, plan, carriers }: LinkParts): LinkMonitor {
  return new LinkMonitor({
    devices: plan().nics.map((nic) => nic.device),
    clock,
    changed: (device, carrier, t) => {
      plan().nics.forEach((each, nic) => each.device === device && carriers.kernel(nic, carrier, t));
    },
    log: (message, fields) => log.warn(fields, message),
  });
}
