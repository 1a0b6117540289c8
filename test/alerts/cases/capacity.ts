/** The error budget; capacity of servers and clusters. */
import { type AlertCase, type Series } from '../timeline.ts';

const burn = ({ below, ...own }: Omit<AlertCase, 'series' | 'labels'> & { readonly below: number }): AlertCase => ({
  ...own,
  cluster: true,
  labels: { service: 'web1' },
  // One of four servers is down; or all are, for a share of the time that the budget allows.
  series: ['lb1', 'lb2', 'lb3', 'lb4'].map((server, i) => ({
    series: `fourlane_service_up{server="${server}", instance="${server}", service="web1"}`,
    good: 1,
    bad: i === 0 ? 0 : 1,
    below,
  })),
});

export const sloCases: readonly AlertCase[] = [
  burn({ alert: 'FourlaneBudgetBurnFast', severity: 'critical', below: 0.993, step: 10, firesAfter: 130, resolvesAfter: 320 }),
  burn({ alert: 'FourlaneBudgetBurnSlow', severity: 'critical', below: 0.9971, step: 60, firesAfter: 960, resolvesAfter: 1920 }),
  burn({ alert: 'FourlaneBudgetDrip', severity: 'warning', below: 0.9996, step: 600, firesAfter: 4200, resolvesAfter: 22_800 }),
];

/** The same series on servers lb1 … lbN. */
const onServers = (n: number, make: (i: number) => Omit<Series, 'series'> & { readonly series: string }): Series[] =>
  Array.from({ length: n }, (_, i) => {
    const { series, ...values } = make(i);
    return { series: series.replace('{', `{server="lb${i + 1}", instance="lb${i + 1}", `), ...values };
  });

export const capacityCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneServerCapacityLow',
    severity: 'critical',
    // The governor keeps the last NIC in service although it has failed.
    series: ['eth1', 'eth2'].flatMap((nic, i) => [
      { series: `fourlane_nic_slice_enabled{nic="${nic}"}`, good: 1, bad: i, below: i },
      { series: `fourlane_nic_up{nic="${nic}"}`, good: 1, bad: 0, below: i },
    ]),
    firesAfter: 65,
    resolvesAfter: 5,
  },
  {
    alert: 'FourlaneClusterCapacityLow',
    severity: 'critical',
    cluster: true,
    series: [
      ...onServers(4, (i) => ({
        series: 'fourlane_nic_slice_enabled{nic="eth1"}',
        good: 1,
        bad: i < 2 ? 0 : 1,
        below: i < 1 ? 0 : 1,
      })),
      ...onServers(4, () => ({ series: 'fourlane_nic_up{nic="eth1"}', good: 1, bad: 1 })),
      ...onServers(4, () => ({ series: 'fourlane_build_info{version="0.1.0"}', good: 1, bad: 1 })),
    ],
    firesAfter: 125,
    resolvesAfter: 10,
  },
  {
    alert: 'FourlaneServerOutlier',
    severity: 'warning',
    labels: { kind: 'connections' },
    series: [
      ...onServers(6, (i) => ({
        series: 'fourlane_service_connections_total{source="ipvs", service="web1"}',
        good: { grows: 1000 + 10 * i },
        bad: { grows: i === 0 ? 3000 : 1000 + 10 * i },
        below: { grows: i === 0 ? 1250 : 1000 + 10 * i },
      })),
      ...onServers(6, () => ({ series: 'fourlane_build_info{version="0.1.0"}', good: 1, bad: 1 })),
    ],
    // A rate over 5 minutes: it differs soon, and for long.
    quietFor: 300,
    firesAfter: 390,
    resolvesAfter: 330,
  },
];
