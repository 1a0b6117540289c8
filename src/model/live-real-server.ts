/** A real server as its data plane has it now: what a collector reads out of turn for an actuator. */
export interface LiveRealServer {
  readonly weight: number;
  /** Taken out by a check, whatever its weight. */
  readonly inhibited: boolean;
  /** How it is reached, as the collector names it. */
  readonly forward: string;
}

/** Real servers of a service by `ip:port`; undefined when they can't be read now. */
export type LiveRealServers = ReadonlyMap<string, LiveRealServer> | undefined;
