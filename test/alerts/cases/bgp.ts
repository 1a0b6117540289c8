/** BGP sessions, BFD, announced prefixes. */
import { type AlertCase, KEEP, type Series } from '../timeline.ts';

const PEER = { nic: 'eth2', peer: '192.0.2.1' };
const at = 'daemon="bgpd", vrf="default", nic="eth2", peer="192.0.2.1"';
/** 1 while all is well. */
const good = (series: string, below: Series['below'] = 1): Series => ({ series, good: 1, bad: 0, below });
const announced = (level: string, nic: string, peer: string) =>
  `fourlane_bgp_prefix_announced{prefix="10.0.0.48/28", level="${level}", nic="${nic}", peer="${peer}"}`;

/** Shut here, of both sessions or only of the one that is named. */
const shut = (at: string, is: Partial<Series>): Series => ({
  series: `fourlane_bgp_session_state{${at}, state="admin_down"}`,
  good: 0,
  bad: 0,
  ...is,
});
const other = 'daemon="bgpd", vrf="default", nic="eth3", peer="198.51.100.1"';

export const bgpCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneBgpDaemonDown',
    severity: 'critical',
    labels: { daemon: 'bgpd' },
    series: [good('fourlane_bgp_daemon_up{daemon="bgpd"}'), { series: 'fourlane_bgp_daemon_up{daemon="bfdd"}', good: 1, bad: 1 }],
    firesAfter: 20,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneBgpAllSessionsDown',
    severity: 'critical',
    series: [
      good(`fourlane_bgp_session_up{${at}, family="ipv4"}`, 0),
      good('fourlane_bgp_session_up{daemon="bgpd", vrf="default", nic="eth3", peer="198.51.100.1", family="ipv4"}', 1),
      // A session over no NIC, such as one with a route reflector, carries nobody's packets.
      {
        series: 'fourlane_bgp_session_up{daemon="bgpd", vrf="default", nic="", peer="10.255.0.9", family="ipv4"}',
        good: 1,
        bad: 1,
      },
    ],
    firesAfter: 10,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneBgpSessionDown',
    severity: 'warning',
    labels: PEER,
    series: [
      good(`fourlane_bgp_session_up{${at}, family="ipv4"}`, 0),
      { series: `fourlane_bgp_session_state{${at}, state="admin_down"}`, good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 30,
    resolvesAfter: 0,
  },
  {
    // Of a server that is drained nobody is called.
    alert: 'FourlaneBgpAllSessionsDown',
    severity: 'critical',
    series: [
      good(`fourlane_bgp_session_up{${at}, family="ipv4"}`, 0),
      good(`fourlane_bgp_session_up{${other}, family="ipv4"}`, 0),
      shut(at, { bad: 1, below: 1 }),
      shut(other, { below: 1 }),
    ],
    firesAfter: 10,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneBgpLeftShut',
    severity: 'warning',
    labels: PEER,
    series: [shut(at, { bad: 1, below: 1 }), { series: 'fourlane_nic_up{nic="eth2"}', good: 1, bad: 1, below: 0 }],
    firesAfter: 3600,
    resolvesAfter: 0,
    step: 60,
  },
  {
    alert: 'FourlaneBfdDownSessionUp',
    severity: 'critical',
    labels: PEER,
    series: [
      good(`fourlane_bfd_session_up{${at}}`, 0),
      { series: `fourlane_bgp_session_up{${at}, family="ipv4"}`, good: 1, bad: 1, below: 0 },
    ],
    firesAfter: 10,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlanePrefixMissing',
    severity: 'critical',
    labels: { prefix: '10.0.0.48/28', level: 'server' },
    series: [good(announced('server', 'eth2', '192.0.2.1'), 0), good(announced('server', 'eth3', '198.51.100.1'), 1)],
    firesAfter: 30,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlanePrefixMissing',
    severity: 'critical',
    labels: { prefix: '10.0.0.48/28', level: 'server' },
    series: [
      good(announced('server', 'eth2', '192.0.2.1'), 0),
      good(announced('server', 'eth3', '198.51.100.1'), 0),
      shut(at, { bad: 1, below: 1 }),
      shut(other, { below: 1 }),
    ],
    firesAfter: 30,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlanePrefixIncomplete',
    severity: 'warning',
    labels: { ...PEER, prefix: '10.0.0.48/28', level: 'group' },
    series: [
      good(announced('group', 'eth2', '192.0.2.1'), 0),
      { series: `fourlane_bgp_session_state{${at}, state="admin_down"}`, good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlanePrefixLeak',
    severity: 'critical',
    labels: PEER,
    series: [{ series: 'fourlane_bgp_unplanned_prefixes{vrf="default", nic="eth2", peer="192.0.2.1"}', good: 0, bad: 3 }],
    firesAfter: 60,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneBgpFlapping',
    severity: 'warning',
    labels: PEER,
    series: [{ series: `fourlane_bgp_session_flaps_total{${at}}`, good: 0, bad: { grows: 1 }, below: 0 }],
    quietFor: 10,
    firesAfter: 30,
    resolvesAfter: 900,
  },
];
