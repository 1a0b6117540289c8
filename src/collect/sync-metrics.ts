/** Families of session synchronisation, for every data plane that has it. */
import { counter, gauge, type Metric } from '../model/family.ts';

const PEER = ['source', 'peer'];
const CORE = ['source', 'core'];

export const SYNC_ENABLED = gauge(
  'session_sync_enabled',
  'Whether the data plane synchronises its sessions with other servers.',
  ['source'],
);
export const SYNC_SESSIONS = gauge(
  'session_sync_sessions',
  'Sessions by origin: own, and held for others; by the number of this server among those that synchronise.',
  ['source', 'sync_id', 'origin'],
);
export const SYNC_TAKEN_OVER = gauge('session_sync_taken_over_sessions', 'Sessions of others that this core serves now.', CORE);
export const SYNC_ENTRIES = counter('session_sync_entries_total', 'Sessions sent to others and received from them, by kind.', [
  ...CORE,
  'direction',
  'kind',
]);
export const SYNC_DROPPED = counter(
  'session_sync_dropped_total',
  'Sessions that were not handed on, by the stage at which they were lost; they break at a fail-over.',
  [...CORE, 'stage'],
);
export const SYNC_DEPTH = gauge('session_sync_queue_depth', 'Entries that wait in a queue of synchronisation.', [
  ...CORE,
  'direction',
]);
export const SYNC_CAPACITY = gauge('session_sync_queue_capacity', 'Entries that a queue of synchronisation can hold.', [
  ...CORE,
  'direction',
]);
export const SYNC_OLDEST = gauge('session_sync_oldest_seconds', 'Age of the oldest entry that waits to be sent.', CORE);
export const SYNC_PEER_STATE = gauge(
  'session_sync_peer_state',
  'State of the peer as this server sees it: 1 for the present one.',
  [...PEER, 'state'],
);
export const SYNC_PEER_SESSIONS = gauge('session_sync_peer_sessions', 'Sessions held for the peer, named by its number.', PEER);
export const SYNC_LAST_RECEIVED = gauge(
  'session_sync_last_received_timestamp_seconds',
  'When something was last received from the peer; none before the first message.',
  PEER,
);
export const SYNC_LAG = gauge('session_sync_lag_seconds', 'How far what is held for the peer is behind.', PEER);
export const SYNC_MESSAGES = counter('session_sync_messages_total', 'Messages exchanged with the peer.', [...PEER, 'direction']);
export const SYNC_LOST = counter(
  'session_sync_lost_messages_total',
  'Messages of the peer that did not arrive: gaps in its numbers.',
  PEER,
);
export const SYNC_BAD = counter('session_sync_bad_messages_total', 'Messages that could not be used (in) or sent (out).', [
  ...PEER,
  'direction',
]);
export const SYNC_CONFIG = gauge(
  'session_sync_config_matches',
  'Whether the peer has the same configuration; where it differs, sessions of unknown real servers cannot be taken over.',
  PEER,
);
export const SYNC_FULL_STATE = gauge(
  'session_sync_full_state',
  'State of the last full synchronisation: 1 for the present one.',
  ['source', 'state'],
);
export const SYNC_FULL_PROGRESS = gauge(
  'session_sync_full_progress_ratio',
  'Share of the sessions of the peer that the last full synchronisation has handed over, 0 to 1.',
  PEER,
);
export const SYNC_FULL_DROPPED = gauge(
  'session_sync_full_dropped_sessions',
  'Sessions that the last full synchronisation lost.',
  PEER,
);

export const SYNC_COMPLETENESS = gauge(
  'session_sync_completeness_ratio',
  'Share of established connections of the master that its backup knows, 0 to 1, compared with the agent of the peer; role: ' +
    'that of this server, master or backup.',
  [...PEER, 'role'],
);
export const SYNC_COMPARED = gauge(
  'session_sync_peer_compared',
  'Whether the agent of the peer answered, and the two are master and backup.',
  PEER,
);

export const SESSION_SYNC_METRICS: readonly Metric[] = [
  SYNC_ENABLED,
  SYNC_SESSIONS,
  SYNC_TAKEN_OVER,
  SYNC_ENTRIES,
  SYNC_DROPPED,
  SYNC_DEPTH,
  SYNC_CAPACITY,
  SYNC_OLDEST,
  SYNC_PEER_STATE,
  SYNC_PEER_SESSIONS,
  SYNC_LAST_RECEIVED,
  SYNC_LAG,
  SYNC_MESSAGES,
  SYNC_LOST,
  SYNC_BAD,
  SYNC_CONFIG,
  SYNC_FULL_STATE,
  SYNC_FULL_PROGRESS,
  SYNC_FULL_DROPPED,
];
