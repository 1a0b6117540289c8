/** What a rule about routing daemons is, and what it looks at. */
import type { Uplink } from '../../model/plan.ts';
import type { DaemonTuning, SessionTuning, UnreadDaemon } from '../../routing/tuning.ts';

export interface BgpLook {
  readonly daemons: readonly DaemonTuning[];
  readonly unread: readonly UnreadDaemon[];
  /** Of the configuration; none: every session counts as one. */
  readonly uplinks: readonly Uplink[];
  /** Text of BIRD's configuration, when it can be read. */
  readonly birdConfig?: string;
}

/** What a rule found. */
export interface BgpFound {
  /** Peer or socket. */
  readonly subject: string;
  readonly message: string;
}

export interface BgpRule {
  /** BGP01 … */
  readonly code: string;
  readonly name: string;
  readonly level: 'warn' | 'fail';
  /** What is wrong, in general. */
  readonly title: string;
  /** What to do. */
  readonly fix: string;
  readonly find: (look: BgpLook) => readonly BgpFound[];
}

/** Sessions that carry what the load balancer announces, with their uplink if the configuration has it. */
export function uplinkSessions({ daemons, uplinks }: BgpLook): readonly (SessionTuning & {
  readonly daemon: DaemonTuning;
  readonly uplink?: Uplink;
})[] {
  return daemons.flatMap((daemon) =>
    daemon.sessions.flatMap((session) => {
      const uplink = uplinks.find(({ vrf, peer }) => vrf === session.vrf && peer === session.peer);
      if (uplink === undefined) return uplinks.length === 0 ? [{ ...session, daemon }] : [];
      return [{ ...session, daemon, uplink }];
    }),
  );
}
