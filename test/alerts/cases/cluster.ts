/** A server in a cluster with an etcd. */
import { type AlertCase, flag } from '../timeline.ts';

const DAY = 86_400;

export const clusterCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneWithdrawalDenied',
    severity: 'critical',
    labels: { budget: 'server' },
    series: [
      flag('fourlane_cluster_budget_denied{budget="server"}'),
      { series: 'fourlane_cluster_budget_held{budget="server"}', good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 30,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneReleaseNotApplied',
    severity: 'warning',
    labels: { state: 'refused' },
    series: [
      flag('fourlane_cluster_release_state{state="refused"}'),
      { series: 'fourlane_cluster_release_state{state="held"}', good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneMaintenanceOfServer',
    severity: 'info',
    // Another server says so: the one in maintenance may be off.
    series: [
      flag('fourlane_cluster_maintenance{server="lb2", of="lb1", nic=""}'),
      { series: 'fourlane_cluster_maintenance{server="lb2", of="lb1", nic="eth1"}', good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 0,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneMaintenanceOfNic',
    severity: 'info',
    labels: { nic: 'eth1' },
    series: [
      flag('fourlane_cluster_maintenance{server="lb2", of="lb1", nic="eth1"}'),
      { series: 'fourlane_cluster_maintenance{server="lb2", of="lb1", nic=""}', good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 0,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneEtcdStale',
    severity: 'warning',
    series: [{ series: 'fourlane_cluster_stale_seconds', good: 0, bad: 301, below: 299 }],
    firesAfter: 0,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneEtcdCertificateExpires',
    severity: 'warning',
    series: [
      {
        series: 'fourlane_cluster_certificate_not_after_timestamp_seconds',
        good: 400 * DAY,
        bad: 10 * DAY,
        below: 30 * DAY,
      },
    ],
    firesAfter: 600,
    resolvesAfter: 0,
  },
];
