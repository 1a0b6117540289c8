/** A reading of routing daemons as the rules of the edge look at it. Pure. */
import { sessionKey } from '../../edge/expected.ts';
import type { SessionSeen } from '../../edge/lint/rule.ts';
import type { BgpData } from './data.ts';

/** Every session with what it announces. */
export function sessionsSeen({ up }: Pick<BgpData, 'up'>): readonly SessionSeen[] {
  return up.flatMap(({ sessions, announced, complete }) =>
    sessions.map((session) => {
      const { vrf, peer, nic, state, families } = session;
      const key = sessionKey(session);
      return {
        vrf,
        peer,
        ...(nic === undefined ? {} : { nic }),
        up: state === 'established',
        families: families.map(({ family }) => family),
        announced: announced.get(key) ?? [],
        complete: complete.has(key),
        count: families.reduce((sum, family) => sum + family.announced, 0),
      };
    }),
  );
}
