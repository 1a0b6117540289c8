/** NICs, paths through them, their hardware. */
import { type AlertCase, flag, KEEP } from '../timeline.ts';

const nicVerdict = (
  alert: string,
  severity: 'critical' | 'warning',
  verdict: string,
  cause: string,
  more: Partial<AlertCase> = {},
): AlertCase => ({
  alert,
  severity,
  labels: { nic: 'eth1', cause },
  series: [
    flag(`fourlane_nic_verdict{nic="eth1", verdict="${verdict}", cause="${cause}"}`),
    // Another verdict is none of this alert's.
    { series: `fourlane_nic_verdict{nic="eth1", verdict="SUSPECT", cause="${cause}"}`, good: 0, bad: 0, below: 1 },
    { series: 'fourlane_service_slice_enabled{nic="eth1", service="web1"}', good: 1, bad: 0 },
    { series: 'fourlane_service_slice_enabled{nic="eth1", service="all"}', good: 1, bad: 0 },
    { series: 'fourlane_service_slice_enabled{nic="eth2", service="all"}', good: 1, bad: 1 },
  ],
  firesAfter: 0,
  resolvesAfter: KEEP,
  ...more,
});

export const nicCases: readonly AlertCase[] = [
  nicVerdict('FourlaneNicFault', 'critical', 'NIC_FAIL', 'carrier'),
  nicVerdict('FourlaneNicUpstreamFault', 'critical', 'NIC_FAIL', 'upstream'),
  nicVerdict('FourlaneNicPartial', 'warning', 'NIC_PARTIAL', 'lossy', { firesAfter: 60 }),
  nicVerdict('FourlaneNicFlapping', 'warning', 'FLAPPING', 'carrier', { resolvesAfter: 0 }),
  nicVerdict('FourlaneProbePathFault', 'critical', 'PROBE_PATH_FAULT', 'none', { firesAfter: 30 }),
  nicVerdict('FourlaneDataPathFault', 'critical', 'DATA_PATH_FAULT', 'none', { firesAfter: 30 }),
  {
    alert: 'FourlanePathFault',
    severity: 'warning',
    labels: { nic: 'eth1' },
    series: ['10.1.0.1:80', '10.1.0.2:80'].map((rs) => ({
      series: `fourlane_path_fault{nic="eth1", real_server="${rs}", cause="link"}`,
      good: null,
      bad: 1,
    })),
    firesAfter: 300,
    resolvesAfter: 0,
  },
];

export const linkCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneBondDegraded',
    severity: 'warning',
    labels: { nic: 'bond0.7', bond: 'bond0' },
    series: [
      { series: 'fourlane_nic_bond_active_members{nic="bond0.7", bond="bond0"}', good: 2, bad: 1, below: 2 },
      { series: 'fourlane_nic_bond_members{nic="bond0.7", bond="bond0"}', good: 2, bad: 2 },
      // The standby of an active-backup bond is none that was lost.
      { series: 'fourlane_nic_bond_info{nic="bond1", bond="bond1", mode="active-backup"}', good: 1, bad: 1 },
      { series: 'fourlane_nic_bond_active_members{nic="bond1", bond="bond1"}', good: 1, bad: 1 },
      { series: 'fourlane_nic_bond_members{nic="bond1", bond="bond1"}', good: 2, bad: 2 },
      { series: 'fourlane_nic_member_mii{nic="bond1", member="eth2", state="up"}', good: 1, bad: 1 },
      { series: 'fourlane_nic_member_mii{nic="bond1", member="eth3", state="up"}', good: 1, bad: 1 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    // A bond of DPVS, behind a NIC.
    alert: 'FourlaneBondDegraded',
    severity: 'warning',
    labels: { nic: 'eth1', bond: 'bond0', port: 'bond0' },
    series: [
      { series: 'fourlane_dpvs_bond_members{port="bond0", state="active"}', good: 2, bad: 1, below: 2 },
      { series: 'fourlane_dpvs_bond_members{port="bond0", state="inactive"}', good: 0, bad: 1, below: 0 },
      { series: 'fourlane_nic_port_up{nic="eth1", port="bond0"}', good: 1, bad: 1 },
      { series: 'fourlane_nic_port_up{nic="eth2", port="dpdk2"}', good: 1, bad: 1 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    // And one that is behind none.
    alert: 'FourlaneBondDegraded',
    severity: 'warning',
    labels: { nic: 'bond1', bond: 'bond1', port: 'bond1' },
    series: [
      { series: 'fourlane_dpvs_bond_members{port="bond1", state="active"}', good: 2, bad: 0, below: 2 },
      { series: 'fourlane_dpvs_bond_members{port="bond1", state="inactive"}', good: 0, bad: 2, below: 0 },
      { series: 'fourlane_nic_port_up{nic="eth1", port="bond0"}', good: 1, bad: 1 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlanePortDown',
    severity: 'critical',
    labels: { port: 'dpdk1' },
    series: [
      { series: 'fourlane_dpvs_port_up{port="dpdk1"}', good: 1, bad: 0, below: 1 },
      // Behind a NIC; a member of a bond; a VLAN; a port that never had a link; the same ports by DPDK's names.
      { series: 'fourlane_dpvs_port_up{port="dpdk0"}', good: 1, bad: 0, below: 0 },
      { series: 'fourlane_nic_port_up{nic="eth1", port="dpdk0"}', good: 1, bad: 0, below: 0 },
      { series: 'fourlane_dpvs_port_up{port="dpdk2"}', good: 1, bad: 0, below: 0 },
      { series: 'fourlane_dpvs_bond_member_active{port="bond0", member="dpdk2"}', good: 1, bad: 0, below: 0 },
      { series: 'fourlane_dpvs_port_up{port="dpdk0.102"}', good: 1, bad: 0, below: 0 },
      { series: 'fourlane_dpvs_port_up{port="dpdk3"}', good: 0, bad: 0 },
      { series: 'fourlane_dpdk_port_up{source="rte", port="0000:3b:00.1"}', good: 1, bad: 0, below: 0 },
      { series: 'fourlane_dpvs_info{version="v1.10-2", messages="m"}', good: 1, bad: 1 },
    ],
    firesAfter: 15,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlanePortDown',
    severity: 'critical',
    labels: { port: '0000:3b:00.1' },
    series: [{ series: 'fourlane_dpdk_port_up{source="rte", port="0000:3b:00.1"}', good: 1, bad: 0, below: 1 }],
    firesAfter: 15,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneNicErrors',
    severity: 'warning',
    labels: { nic: 'eth1' },
    series: [
      { series: 'fourlane_nic_rx_errors_total{nic="eth1"}', good: 0, bad: { grows: 20 }, below: { grows: 9 } },
      { series: 'fourlane_nic_rx_packets_total{nic="eth1"}', good: { grows: 100_000 }, bad: { grows: 100_000 } },
    ],
    quietFor: 300,
    firesAfter: 480,
    resolvesAfter: 300,
  },
];
