/** What routing daemons show of each NIC, for the judge. Pure. */
import { sessionKey } from '../../edge/expected.ts';
import type { Evidence, RoutingEvidence } from '../collector.ts';
import type { BgpData } from './data.ts';

/**
 * One entry for each NIC with a session that is not shut here: what is shut on purpose shows nothing of the path. BFD counts with
 * the peers of such sessions only.
 */
export function routingEvidence({ up }: Pick<BgpData, 'up'>): Evidence {
  const sessions = up.flatMap((daemon) => daemon.sessions).filter(({ state }) => state !== 'admin_down');
  const bfd = new Map(up.flatMap((daemon) => daemon.bfd).map((one) => [sessionKey(one), one.up]));
  const routing = [...Map.groupBy(sessions, ({ nic }) => nic)].flatMap(([nic, over]): RoutingEvidence[] => {
    if (nic === undefined) return [];
    const isUp = (one: (typeof over)[number]) => one.state === 'established';
    const known = over.flatMap((one) => {
      const path = bfd.get(sessionKey(one));
      return path === undefined ? [] : [{ path, session: isUp(one) }];
    });
    // A path that is dead under an established session counts more than one that is well.
    const isDead = known.some(({ path, session }) => !path && session) || known.every(({ path }) => !path);
    const session = over.some(isUp) ? 1 : 0;
    return [{ nic, session, ...(known.length === 0 ? {} : { bfd: isDead ? 0 : 1 }) }];
  });
  return { routing };
}
