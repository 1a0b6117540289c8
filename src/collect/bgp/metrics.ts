/** Families of the BGP collector. */
import { counter, gauge, histogram, type Metric } from '../../model/family.ts';

const SESSION = ['daemon', 'vrf', 'peer', 'nic'];

export const DAEMON_UP = gauge('bgp_daemon_up', 'Whether the routing daemon answered in time, of those whose socket is there.', [
  'daemon',
]);
export const SESSION_UP = gauge(
  'bgp_session_up',
  'Whether the session is established and carries the family. nic: empty for sessions over no NIC of the configuration.',
  [...SESSION, 'family'],
);
export const SESSION_STATE = gauge(
  'bgp_session_state',
  'State of the session: 1 for the present one. admin_down: shut here; prefix_limit: too many came; down until cleared.',
  [...SESSION, 'state'],
);
export const SESSION_UPTIME = gauge(
  'bgp_session_uptime_seconds',
  'Since when the session is established; left out while it is not.',
  SESSION,
);
export const SESSION_FLAPS = counter(
  'bgp_session_flaps_total',
  'Times the session ended after it had been established.',
  SESSION,
);
export const SESSION_RESET = gauge(
  'bgp_session_reset_info',
  'Why the session ended last, for an hour after it; always 1. code: of the NOTIFICATION, in hex.',
  [...SESSION, 'code', 'reason'],
);
export const PREFIXES = gauge('bgp_prefixes', 'Prefixes that the session received and announced.', [
  ...SESSION,
  'family',
  'direction',
]);
export const BFD_UP = gauge('bfd_session_up', 'Whether the BFD session with the peer is up.', SESSION);

const PREFIX = ['prefix', 'level', 'nic', 'peer'];
export const EXPECTED = gauge(
  'bgp_prefix_expected',
  'Prefixes that the peer should get by the configuration; always 1. level: of the SNAT plan, or vip.',
  PREFIX,
);
export const ANNOUNCED = gauge('bgp_prefix_announced', 'Whether the peer gets the planned prefix.', PREFIX);
export const UNPLANNED = gauge('bgp_unplanned_prefixes', 'Prefixes announced to the peer that are not planned for its NIC.', [
  'vrf',
  'peer',
  'nic',
]);
export const READ_DURATION = histogram(
  'bgp_read_duration_seconds',
  'Duration of a reading; it grows first when the daemon is busy.',
  ['daemon'],
);

export const BGP_METRICS: readonly Metric[] = [
  DAEMON_UP,
  SESSION_UP,
  SESSION_STATE,
  SESSION_UPTIME,
  SESSION_FLAPS,
  SESSION_RESET,
  PREFIXES,
  BFD_UP,
  EXPECTED,
  ANNOUNCED,
  UNPLANNED,
  READ_DURATION,
];
