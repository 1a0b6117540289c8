/** What a driver is: one value in `bgp/drivers.ts`, for one kind of routing daemon. */
import type { ExpectedSet } from '../../edge/expected.ts';
import type { DaemonReading } from './data.ts';
import type { Daemon } from '../../routing/session.ts';
import type { LeakSettings } from './leaks.ts';
import type { Placed } from './nics.ts';

/** What a reading is asked for. */
export interface Asked {
  readonly expected: ExpectedSet;
  readonly nicOf: (session: Placed) => string | undefined;
  /** Monotonic ms. */
  readonly now: number;
}

export interface DriverSettings extends LeakSettings {
  /** Directory of FRR's vty sockets, or none. */
  readonly frr: string | false;
  /** BIRD's control socket, or none. */
  readonly bird: string | false;
}

/** A daemon that may be there. */
export interface DaemonReader {
  readonly daemon: Daemon;
  /** Its socket. */
  readonly path: string;
  /** Which run of it; undefined: there is no socket. */
  run(): Promise<string | undefined>;
  /** Rejects when the daemon is down, hangs or answers nonsense. */
  read(asked: Asked, signal: AbortSignal): Promise<DaemonReading>;
  close(): void;
}

export interface Driver {
  readonly name: string;
  /** undefined: turned off. */
  open(settings: DriverSettings): DaemonReader | undefined;
}
