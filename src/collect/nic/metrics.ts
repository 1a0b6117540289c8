/** Families of the NIC collector: the NIC's own device by `nic`, what is below it by `nic` and `member`. */
import { counter, gauge, type Metric } from '../../model/family.ts';
import { STATISTICS, type Statistic } from './device.ts';

const MEANING: Readonly<Record<Statistic, string>> = {
  rx_packets: 'Packets received',
  tx_packets: 'Packets sent',
  rx_bytes: 'Bytes received',
  tx_bytes: 'Bytes sent',
  rx_errors: 'Bad packets received, of any kind',
  tx_errors: 'Packets that could not be sent, for any reason',
  rx_dropped: 'Good packets received but dropped by the kernel, such as for lack of a handler',
  tx_dropped: 'Packets dropped on their way out',
  rx_missed_errors: 'Packets the hardware dropped because the receive ring was full',
  rx_crc_errors: 'Packets received with a wrong checksum: cable, transceiver or switch port',
};

/** Counters whose name in the kernel does not end as ours do. */
const NAMES: Readonly<Partial<Record<Statistic, string>>> = { rx_missed_errors: 'rx_missed' };

/** What is exported of one device. */
export interface DeviceMetrics {
  readonly operstate: Metric;
  readonly adminUp: Metric;
  readonly speed: Metric;
  readonly duplex: Metric;
  readonly losses: Metric;
  readonly statistics: Readonly<Record<Statistic, Metric>>;
}

function deviceMetrics(prefix: string, whose: string, labels: readonly string[]): DeviceMetrics {
  const statistics = STATISTICS.map((key) => [
    key,
    counter(`${prefix}_${NAMES[key] ?? key}_total`, `${MEANING[key]} (${whose}, as the kernel counts).`, labels),
  ]);
  return {
    operstate: gauge(`${prefix}_operstate`, `Operational state of ${whose}: 1 for the present one; absent: no such device.`, [
      ...labels,
      'state',
    ]),
    adminUp: gauge(`${prefix}_admin_up`, `Whether ${whose} is administratively up.`, labels),
    speed: gauge(
      `${prefix}_speed_bytes_per_second`,
      `Speed of ${whose}; left out when it is unknown or made up by a driver.`,
      labels,
    ),
    duplex: gauge(`${prefix}_duplex`, `Duplex of ${whose}: 1 for the present one; left out when unknown.`, [...labels, 'duplex']),
    losses: counter(
      `${prefix}_carrier_losses_total`,
      `Times the kernel saw the carrier of ${whose} go, also between readings.`,
      labels,
    ),
    statistics: Object.fromEntries(statistics) as Record<Statistic, Metric>,
  };
}

const NIC = ['nic'];
const MEMBER = ['nic', 'member'];
const BOND = ['nic', 'bond'];

export const OWN = deviceMetrics('nic', "the NIC's device", NIC);
export const BELOW = deviceMetrics('nic_member', 'a device below the NIC', MEMBER);

export const INFO = gauge('nic_info', 'What the NIC is; always 1.', ['nic', 'device', 'driver', 'dataplane']);
export const MTU = gauge('nic_mtu_bytes', "Largest packet of the NIC's device.", NIC);
export const QUEUES = gauge('nic_queues', "Queues of the NIC's device.", ['nic', 'direction']);
export const BOND_INFO = gauge('nic_bond_info', 'A bond that the NIC is, or is on; always 1.', [...BOND, 'mode']);
export const BOND_MII = gauge('nic_bond_mii', 'Link of the bond as it sees it: 1 for the present state.', [...BOND, 'state']);
export const BOND_MEMBERS = gauge('nic_bond_members', 'Members of the bond.', BOND);
export const BOND_ACTIVE = gauge(
  'nic_bond_active_members',
  'Members of the bond that traffic leaves by; left out when the kernel does not tell.',
  BOND,
);
export const BOND_PARTNER = gauge(
  'nic_bond_lacp_partner',
  'Whether a switch at the other end of an 802.3ad bond speaks LACP; left out when the kernel does not tell.',
  BOND,
);
export const MEMBER_INFO = gauge(
  'nic_member_info',
  'A device below the NIC; always 1. Kind: bond (member of one), stack (what a VLAN or bridge is on).',
  [...MEMBER, 'kind', 'driver'],
);
export const MEMBER_CARRIER = gauge(
  'nic_member_carrier',
  'Whether the device below the NIC has carrier; left out while it is administratively down.',
  MEMBER,
);
export const MEMBER_MII = gauge('nic_member_mii', 'Link of the bond member as the bond sees it: 1 for the present state.', [
  ...MEMBER,
  'state',
]);
export const MEMBER_ACTIVE = gauge('nic_member_active', 'Whether traffic of the bond leaves by this member.', MEMBER);
export const MEMBER_FAILURES = counter('nic_member_link_failures_total', 'Times the bond lost the member.', MEMBER);
export const MEMBER_CHURNED = gauge(
  'nic_member_lacp_churned',
  'Whether LACP has been unsettled at either end of the member for more than a minute.',
  MEMBER,
);
export const MEMBER_LACP = gauge(
  'nic_member_lacp',
  'LACP of the bond member: 1 for the present state. distributing: in use; waiting: partner heard, nothing sent; ' +
    'other_aggregator: cabled to another switch, unused; no_partner: no LACP at the other end.',
  [...MEMBER, 'state'],
);
export const SOFTNET_PACKETS = counter('softnet_packets_total', 'Packets that the CPU took from NICs.', ['core']);
export const SOFTNET_DROPPED = counter('softnet_dropped_total', "Packets dropped because the CPU's backlog was full.", ['core']);
export const SOFTNET_SQUEEZED = counter(
  'softnet_squeezed_total',
  'Rounds in which the CPU left packets waiting because budget or time was used up.',
  ['core'],
);

const all = ({ statistics, ...rest }: DeviceMetrics) => [...Object.values(rest), ...Object.values(statistics)];

export const NIC_METRICS: readonly Metric[] = [
  INFO,
  ...all(OWN),
  MTU,
  QUEUES,
  BOND_INFO,
  BOND_MII,
  BOND_MEMBERS,
  BOND_ACTIVE,
  BOND_PARTNER,
  MEMBER_INFO,
  ...all(BELOW),
  MEMBER_CARRIER,
  MEMBER_MII,
  MEMBER_ACTIVE,
  MEMBER_FAILURES,
  MEMBER_LACP,
  MEMBER_CHURNED,
  SOFTNET_PACKETS,
  SOFTNET_DROPPED,
  SOFTNET_SQUEEZED,
];
