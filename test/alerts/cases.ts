/** What every alert is tested with. A new alert needs a case here: the test counts them. */
import type { AlertCase, Series } from './timeline.ts';

const KEEP = 120;
const flag = (series: string): Series => ({ series, good: 0, bad: 1, below: 0 });
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

export const nicCases: readonly AlertCase[] = [
  nicVerdict('FourlaneNicFault', 'critical', 'NIC_FAIL', 'carrier'),
  nicVerdict('FourlaneNicUpstreamFault', 'critical', 'NIC_FAIL', 'upstream'),
  nicVerdict('FourlaneNicPartial', 'warning', 'NIC_PARTIAL', 'lossy', { firesAfter: 60 }),
  nicVerdict('FourlaneNicFlapping', 'warning', 'FLAPPING', 'carrier', { resolvesAfter: 0 }),
  nicVerdict('FourlaneProbePathFault', 'critical', 'PROBE_PATH_FAULT', 'link', { firesAfter: 30 }),
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
];

const burn = (
  alert: string,
  severity: 'critical' | 'warning',
  below: number,
  step: number,
  firesAfter: number,
  resolvesAfter: number,
): AlertCase => ({
  alert,
  severity,
  cluster: true,
  labels: { service: 'web1' },
  // One of four servers is down; or all are, for a share of the time that the budget allows.
  series: ['lb1', 'lb2', 'lb3', 'lb4'].map((server, i) => ({
    series: `fourlane_service_up{server="${server}", instance="${server}", service="web1"}`,
    good: 1,
    bad: i === 0 ? 0 : 1,
    below,
  })),
  step,
  firesAfter,
  resolvesAfter,
});

export const sloCases: readonly AlertCase[] = [
  burn('FourlaneBudgetBurnFast', 'critical', 0.993, 10, 130, 320),
  burn('FourlaneBudgetBurnSlow', 'critical', 0.9971, 60, 960, 1920),
  burn('FourlaneBudgetDrip', 'warning', 0.9996, 600, 4200, 22800),
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
    series: ['eth1', 'eth2'].map((nic, i) => ({
      series: `fourlane_nic_slice_enabled{nic="${nic}"}`,
      good: 1,
      bad: 0,
      below: i,
    })),
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

const state = (alert: string, name: string, firesAfter: number): AlertCase => ({
  alert,
  severity: 'critical',
  series: [
    flag(`fourlane_agent_state{state="${name}"}`),
    { series: 'fourlane_agent_state{state="ok"}', good: 1, bad: 0, below: 0 },
    { series: 'fourlane_agent_state{state="starting"}', good: 0, bad: 0, below: 1 },
  ],
  firesAfter,
  resolvesAfter: KEEP,
});
const instance = { job: 'fourlane', instance: '10.0.0.1:9844' };
const BUILD = 'fourlane_build_info{version="0.1.0", node_version="v24"}';

export const agentCases: readonly AlertCase[] = [
  state('FourlaneAgentIsolated', 'isolated', 0),
  state('FourlaneAllRealServersDown', 'all_rs_down', 0),
  state('FourlaneAgentStalled', 'stalled', 120),
  {
    alert: 'FourlaneAgentDown',
    severity: 'critical',
    labels: instance,
    series: [
      { series: 'up{cluster="", server=""}', good: 1, bad: 0, below: 1 },
      { series: BUILD, good: 1, bad: null, below: null },
    ],
    firesAfter: 60,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneAgentGone',
    severity: 'warning',
    labels: instance,
    series: [
      { series: 'up{cluster="", server=""}', good: 1, bad: null, below: 0 },
      { series: BUILD, good: 1, bad: null, below: null },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneActionsFail',
    severity: 'critical',
    labels: { actuator: 'webhook' },
    series: [
      { series: 'fourlane_action_pending{actuator="webhook"}', good: 0, bad: 2, below: 2 },
      { series: 'fourlane_actions_total{actuator="webhook", result="failed"}', good: 0, bad: { grows: 1 }, below: 0 },
      { series: 'fourlane_actions_total{actuator="webhook", result="ok"}', good: { grows: 1 }, bad: 0, below: { grows: 1 } },
    ],
    firesAfter: 65,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneGovernorBlocked',
    severity: 'critical',
    labels: { rule: 'last_nic' },
    series: [
      { series: 'fourlane_governor_blocked_total{rule="last_nic"}', good: 0, bad: { grows: 1 }, below: 0 },
      { series: 'fourlane_governor_blocked_total{rule="panic"}', good: 0, bad: 0, below: { grows: 1 } },
    ],
    firesAfter: 5,
    resolvesAfter: 300,
  },
  {
    alert: 'FourlaneLaneDown',
    severity: 'warning',
    labels: { nic: 'eth1' },
    series: [
      { series: 'fourlane_lane_state{nic="eth1", state="running"}', good: 1, bad: 0, below: 1 },
      { series: 'fourlane_lane_state{nic="eth1", state="waiting"}', good: 0, bad: 1, below: 0 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneConfigRefused',
    severity: 'warning',
    series: [{ series: 'fourlane_config_last_reload_successful', good: 1, bad: 0 }],
    firesAfter: 0,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneCollectorFails',
    severity: 'warning',
    labels: { collector: 'ipvs' },
    series: [
      flag('fourlane_collector_state{collector="ipvs", state="failed"}'),
      { series: 'fourlane_collector_state{collector="ipvs", state="absent"}', good: 0, bad: 0, below: 1 },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneStateNotSaved',
    severity: 'warning',
    series: [flag('fourlane_state_save_failed')],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneRecordsDropped',
    severity: 'warning',
    series: [
      { series: 'fourlane_evidence_dropped_total', good: 0, bad: { grows: 3 }, below: 0 },
      { series: 'fourlane_lane_results_dropped_total{nic="eth1"}', good: 0, bad: 0, below: 0 },
    ],
    firesAfter: 305,
    resolvesAfter: 600,
  },
  {
    alert: 'FourlaneDeadMansSwitch',
    severity: 'none',
    cluster: true,
    series: [],
    firesAfter: 0,
    resolvesAfter: 0,
  },
];

export const cases: readonly AlertCase[] = [...nicCases, ...serviceCases, ...sloCases, ...capacityCases, ...agentCases];
