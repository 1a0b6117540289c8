/**
 * What to do with the sessions of one NIC: pure. What somebody else has shut is left alone, and the last way out is never shut.
 */
import { sessionKey } from '../../edge/expected.ts';
import type { SpokenSession } from '../../routing/speaker.ts';
import type { OtherPeer, Peer } from './spec.ts';

/** What our shutdowns begin with. */
const MARK = 'fourlane ';

/** The text that the peer is sent, and by which a shutdown is known as ours. */
export function shutText(server: string, why: string): string {
  return `${MARK}${server}: ${why}`;
}

/** Whether a session is shut, and by fourlane. */
export function isOurs({ shut, text }: SpokenSession): boolean {
  return shut && text?.startsWith(MARK) === true;
}

export interface Situation {
  readonly nic: string;
  /** Shut because of the NIC, because the server is drained, or not at all. */
  readonly wanted: 'failed' | 'drained' | 'ok';
  readonly uplinks: readonly Peer[];
  readonly others: readonly OtherPeer[];
  /** Every session of the daemons, by key. */
  readonly found: ReadonlyMap<string, SpokenSession>;
  /** Keys of the sessions that the ledger has for this effect. */
  readonly recorded: ReadonlySet<string>;
  /** Other NICs with a session that the ledger has. */
  readonly shutNics: ReadonlySet<string>;
  /** Whether another NIC, or a drain, wants the session shut. */
  readonly heldElsewhere: (peer: Peer) => boolean;
}

export interface Steps {
  readonly shut: readonly SpokenSession[];
  readonly lift: readonly SpokenSession[];
  /** What the ledger is to have for this effect while the steps are taken, and afterwards. */
  readonly during: readonly Peer[];
  readonly after: readonly Peer[];
  /** Something that had been shut was found open. */
  readonly differs: boolean;
  readonly notes: readonly string[];
  /** Why nothing is done; it may pass. */
  readonly refused?: string;
}

const NOTHING = { shut: [], lift: [], differs: false } as const;

export function decideSessions(situation: Situation): Steps {
  return situation.wanted === 'ok' ? opening(situation) : shutting(situation);
}

function shutting(situation: Situation): Steps {
  const { uplinks, found, recorded } = situation;
  const present = uplinks.flatMap((peer) => {
    const session = found.get(sessionKey(peer));
    return session === undefined ? [] : [{ peer, session }];
  });
  const missing = uplinks.filter((peer) => !found.has(sessionKey(peer)));
  const notes = missing.map(({ peer }) => `no daemon has a session with ${peer}`);
  // A daemon that has not read its configuration yet has no sessions: they stay ours.
  const absent = missing.filter((peer) => recorded.has(sessionKey(peer)));
  if (present.length === 0) return { ...NOTHING, during: absent, after: absent, notes: [], refused: notes.join('; ') };
  const foreign = present.filter(({ session }) => session.shut && !isOurs(session));
  notes.push(...foreign.map(({ peer }) => `${peer.peer} is shut by somebody else: left alone`));
  const ours = present.filter(({ session }) => isOurs(session)).map(({ peer }) => peer);
  const open = present.filter(({ session }) => !session.shut);
  const refused = open.length === 0 ? undefined : guard(situation, open);
  if (refused !== undefined) {
    const kept = [...absent, ...ours, ...open.map(({ peer }) => peer).filter((peer) => recorded.has(sessionKey(peer)))];
    return { ...NOTHING, during: kept, after: kept, notes, refused };
  }
  const all = [...absent, ...ours, ...open.map(({ peer }) => peer)];
  return {
    ...NOTHING,
    shut: open.map(({ session }) => session),
    during: all,
    after: all,
    differs: open.some(({ peer }) => recorded.has(sessionKey(peer))),
    notes,
  };
}

interface Present {
  readonly peer: Peer;
  readonly session: SpokenSession;
}

/** Why these sessions must stay; undefined: they may go. */
function guard({ nic, wanted, others, found, recorded, shutNics }: Situation, open: readonly Present[]): string | undefined {
  if (wanted === 'drained') return undefined;
  // A daemon that has just begun has none established: those that were shut before are shut before they attract anything.
  const isAgain = open.every(({ peer, session }) => recorded.has(sessionKey(peer)) && !session.established);
  const counts = (session: SpokenSession | undefined) => (isAgain ? session?.shut === false : session?.established === true);
  const up = others.filter((other) => counts(found.get(sessionKey(other))) && !shutNics.has(other.nic));
  if (up.length === 0) return `${nic} has the last uplink: no session over another NIC is established`;
  const carried = open.filter(({ session }) => session.established).flatMap(({ peer }) => peer.families);
  const lost = carried.find((family) => !up.some(({ families }) => families.includes(family)));
  if (lost !== undefined) return `${nic} has the last uplink for ${lost}: no session over another NIC carries it`;
  const nics = new Set([nic, ...others.map((other) => other.nic)]);
  const most = Math.floor(nics.size / 2);
  const shut = [...shutNics].filter((name) => nics.has(name));
  if (shut.length + 1 > most) return `${shut.join(', ')} of ${nics.size} NICs are shut; at most half, which is ${most}`;
  return undefined;
}

function opening({ uplinks, found, recorded, heldElsewhere }: Situation): Steps {
  const mine = uplinks.filter((peer) => recorded.has(sessionKey(peer)) && !heldElsewhere(peer));
  const notes: string[] = [];
  const lift = mine.flatMap((peer) => {
    const session = found.get(sessionKey(peer));
    if (session?.shut !== true) return [];
    if (isOurs(session)) return [session];
    notes.push(`${peer.peer} stays shut: somebody else has shut it since`);
    return [];
  });
  const keys = new Set(lift.map(sessionKey));
  return { ...NOTHING, lift, during: mine.filter((peer) => keys.has(sessionKey(peer))), after: [], notes };
}
