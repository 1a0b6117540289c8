/**
 * What is remembered of an application's cores from one reading to the next: whether they loop, and numbers that must not go
 * back.
 */
import { type Exact, minus } from '../../model/exact.ts';
import type { CoreLatency, CoreUsage } from './contract.ts';

/** A core's counters with what two readings show together. */
export interface CoreState extends CoreUsage {
  readonly idleCycles: Exact;
  /** Whether it stopped looping; undefined as long as one reading only is known, or it never looped. */
  readonly stalled?: boolean;
}

interface Known {
  readonly t: number;
  readonly total: Exact;
  readonly loops: Exact;
  readonly idle: Exact;
  readonly stalled: boolean | undefined;
}

/**
 * Readings nearer to each other than this prove nothing about a core that stands still, ms: a pass of the loop may be as long.
 */
const LEAST_MS = 100;

export class CoreMemory {
  #epoch = '';
  #cores = new Map<string, Known>();
  #latencies = new Map<string, CoreLatency>();

  /** `epoch`: what changes when the application restarts; everything is forgotten then. */
  begin(epoch: string): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#cores.clear();
    this.#latencies.clear();
  }

  /** A reading asked for at `t`, ms. */
  usage(cores: readonly CoreUsage[], t: number): readonly CoreState[] {
    const before = this.#cores;
    this.#cores = new Map();
    return cores.map((core) => {
      const known = before.get(core.core);
      // Went back without another epoch: the application has reset it.
      const then = known !== undefined && core.totalCycles < known.total ? undefined : known;
      // Every pass of the loop takes cycles: who does not count loops is known by these.
      const loops = core.loops ?? core.totalCycles;
      // Total and busy are read one after the other: their difference may go back by a few cycles, which is no restart.
      const idle = most(minus(core.totalCycles, core.busyCycles), then?.idle ?? 0);
      const near = then !== undefined && t - then.t < LEAST_MS;
      const stalled = near ? then.stalled : then === undefined || loops === 0 ? undefined : loops === then.loops;
      this.#cores.set(
        core.core,
        near ? { ...then, total: core.totalCycles, idle } : { t, total: core.totalCycles, loops, idle, stalled },
      );
      return { ...core, idleCycles: idle, ...(stalled !== undefined && { stalled }) };
    });
  }

  /** The latency to show: instead of a torn one the last whole one; undefined without any. */
  latency(read: CoreLatency): CoreLatency | undefined {
    if (!read.torn) this.#latencies.set(read.core, read);
    return this.#latencies.get(read.core);
  }
}

function most(a: Exact, b: Exact): Exact {
  return a > b ? a : b;
}
