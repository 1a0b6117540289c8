/** The agent itself. */
import { type AlertCase, flag, KEEP } from '../timeline.ts';

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
  state('FourlaneAgentIll', 'ill', 0),
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
    alert: 'FourlaneActionUnsupported',
    severity: 'warning',
    labels: { actuator: 'dpvs' },
    series: [
      { series: 'fourlane_action_unsupported{actuator="dpvs"}', good: 0, bad: 2, below: 0 },
      { series: 'fourlane_action_pending{actuator="dpvs"}', good: 0, bad: 0, below: 2 },
    ],
    firesAfter: 60,
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
