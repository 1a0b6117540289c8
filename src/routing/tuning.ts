/** How a routing daemon and its sessions are set up, as far as it shows it: what the doctor looks at. */
import type { AddressFamily } from '../model/plan.ts';
import type { Sockets } from './speaker.ts';
import { readBirdTuning } from './bird/tuning.ts';
import { readFrrTuning } from './frr/tuning.ts';

/** What a session lets out in one family. `nothing`: it has no policy, and is therefore refused everything. */
export interface ChannelTuning {
  readonly family: AddressFamily;
  readonly outbound: 'filtered' | 'everything' | 'nothing';
}

export interface SessionTuning {
  readonly vrf: string;
  readonly peer: string;
  /** Pause before it is tried again: s; absent: not shown. */
  readonly connectRetry?: number;
  /** As agreed, else as configured: s; absent: not shown. */
  readonly hold?: number;
  readonly bfd: boolean;
  /** It asks the peer to keep its routes while it restarts. */
  readonly gracefulRestart: boolean;
  readonly channels: readonly ChannelTuning[];
}

export interface DaemonTuning {
  readonly daemon: 'bgpd' | 'bird';
  readonly path: string;
  readonly sessions: readonly SessionTuning[];
  /** How long bgpd waits before a changed filter counts: s; absent: it has no such thing. */
  readonly filterDelay?: number;
}

/** A daemon whose socket is there, and that could not be read. */
export interface UnreadDaemon {
  readonly daemon: 'bgpd' | 'bird';
  readonly path: string;
  readonly problem: string;
  /** We may not connect. */
  readonly denied: boolean;
}

/** Reads every daemon that is there. Rejects when aborted. */
export async function readTunings(sockets: Sockets, signal: AbortSignal): Promise<readonly (DaemonTuning | UnreadDaemon)[]> {
  const { frr, bird } = sockets;
  const readings = [
    ...(frr === false ? [] : [attempt('bgpd', `${frr}/bgpd.vty`, () => readFrrTuning(frr, signal))]),
    ...(bird === false ? [] : [attempt('bird', bird, () => readBirdTuning(bird, signal))]),
  ];
  return (await Promise.all(readings)).flatMap((reading) => reading ?? []);
}

async function attempt(
  daemon: DaemonTuning['daemon'],
  path: string,
  read: () => Promise<DaemonTuning | undefined>,
): Promise<DaemonTuning | UnreadDaemon | undefined> {
  try {
    return await read();
  } catch (error) {
    return { daemon, path, problem: (error as Error).message, denied: (error as NodeJS.ErrnoException).code === 'EACCES' };
  }
}
