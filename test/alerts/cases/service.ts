/** Services, real servers, racks. */
import { type AlertCase, flag, KEEP, type Series } from '../timeline.ts';

const down = (rs: string, bad: number | null = 1): Series => ({
  series: `fourlane_real_server_verdict{service="web1", real_server="${rs}", rack="r1", verdict="RS_DOWN", cause="refused"}`,
  good: null,
  bad,
  below: null,
});
const standing = (state: string, good: number, bad: number, below: number): Series => ({
  series: `fourlane_service_real_servers{service="web1", state="${state}"}`,
  good,
  bad,
  below,
});

const LOST = 'service="web1", real_server="10.1.0.1:80", way="direct"';

export const serviceCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneServiceNoRealServers',
    severity: 'critical',
    labels: { service: 'web1', cause: 'real_servers' },
    series: [
      standing('up', 4, 0, 1),
      standing('down', 0, 4, 3),
      standing('held', 0, 0, 0),
      down('10.1.0.1:80'),
      down('10.1.0.2:80'),
    ],
    firesAfter: 15,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneServiceNoRealServers',
    severity: 'critical',
    labels: { service: 'web1', cause: 'rack' },
    series: [
      standing('up', 4, 0, 1),
      standing('down', 0, 4, 3),
      standing('held', 0, 0, 0),
      down('10.1.0.1:80'),
      down('10.1.0.2:80'),
      { series: 'fourlane_rack_fault{rack="r1"}', good: 0, bad: 1, below: 1 },
    ],
    firesAfter: 15,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneServicePanic',
    severity: 'critical',
    labels: { service: 'web1' },
    series: [flag('fourlane_service_panic{service="web1"}'), down('10.1.0.1:80')],
    firesAfter: 30,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneServiceUnserved',
    severity: 'critical',
    labels: { service: 'web1' },
    series: [
      { series: 'fourlane_service_slice_enabled{nic="eth1", service="web1"}', good: 1, bad: 0, below: 0 },
      { series: 'fourlane_service_slice_enabled{nic="eth2", service="web1"}', good: 1, bad: 0, below: 1 },
    ],
    firesAfter: 30,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneServiceCapacityLow',
    severity: 'warning',
    labels: { service: 'web1' },
    series: [
      { series: 'fourlane_real_server_weight{service="web1", real_server="a", kind="wanted"}', good: 100, bad: 99, below: 100 },
      { series: 'fourlane_real_server_weight{service="web1", real_server="b", kind="wanted"}', good: 100, bad: 0, below: 0 },
      { series: 'fourlane_real_server_weight{service="web1", real_server="a", kind="configured"}', good: 100, bad: 100 },
      { series: 'fourlane_real_server_weight{service="web1", real_server="b", kind="configured"}', good: 100, bad: 100 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneRealServerDown',
    severity: 'info',
    labels: { service: 'web1', rack: 'r1' },
    series: [down('10.1.0.1:80')],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    // The same while it is in maintenance is not reported.
    alert: 'FourlaneRealServerDown',
    severity: 'info',
    labels: { service: 'web1', rack: 'r1' },
    series: [
      { ...down('10.1.0.1:80'), below: 1 },
      { series: 'fourlane_cluster_real_server_maintenance{server="lb2", real_server="10.1.0.1:80"}', good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneRackFault',
    severity: 'critical',
    cluster: true,
    labels: { rack: 'r1' },
    series: [flag('fourlane_rack_fault{rack="r1"}')],
    firesAfter: 10,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneCertificateExpires',
    severity: 'warning',
    labels: { real_server: '10.1.0.1:443' },
    // The clock of a test begins at 0.
    series: [
      {
        series: 'fourlane_certificate_not_after_timestamp_seconds{real_server="10.1.0.1:443"}',
        good: 30 * 86400,
        bad: 14 * 86400,
        below: 14 * 86400 + 3600,
      },
    ],
    firesAfter: 600,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneAddressLost',
    severity: 'warning',
    cluster: true,
    labels: { service: 'web1' },
    series: [
      {
        series: `fourlane_passthrough_finding{${LOST}, finding="ADDRESS_LOST", cause="load_balancer"}`,
        good: null,
        bad: 1,
        below: null,
      },
      // Somebody else's fault, and no lost address.
      { series: `fourlane_passthrough_finding{${LOST}, finding="UNGUARDED", cause="open"}`, good: null, bad: null, below: 1 },
    ],
    firesAfter: 900,
    resolvesAfter: 0,
    step: 15,
  },
];
