/** VRRP, keepalived, control of the data plane. */
import { type AlertCase, flag, KEEP, type Series } from '../timeline.ts';

const vrrp = (state: string, server: string, good: number, bad: number, below = good): Series => ({
  series: `fourlane_vrrp_state{server="${server}", instance="${server}", vrrp_instance="VI_1", state="${state}"}`,
  good,
  bad,
  below,
});

export const controlCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneVrrpNoMaster',
    severity: 'critical',
    cluster: true,
    labels: { vrrp_instance: 'VI_1' },
    series: [vrrp('master', 'lb1', 1, 0, 0), vrrp('master', 'lb2', 0, 0, 1)],
    firesAfter: 15,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneVrrpTwoMasters',
    severity: 'critical',
    cluster: true,
    labels: { vrrp_instance: 'VI_1' },
    series: [vrrp('master', 'lb1', 1, 1), vrrp('master', 'lb2', 0, 1)],
    firesAfter: 15,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneShadowDisagrees',
    severity: 'info',
    labels: { out: 'keepalived', verdict: 'NIC_FAIL(link)' },
    series: [
      {
        series: 'fourlane_shadow_differing_real_servers{out="keepalived", verdict="NIC_FAIL(link)"}',
        good: null,
        bad: 3,
        below: 0,
      },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
    step: 15,
  },
  {
    alert: 'FourlaneVrrpFlapping',
    severity: 'warning',
    labels: { vrrp_instance: 'VI_1' },
    series: [
      { series: 'fourlane_vrrp_transitions_total{vrrp_instance="VI_1", to="master"}', good: 0, bad: { grows: 1 }, below: 2 },
      { series: 'fourlane_vrrp_transitions_total{vrrp_instance="VI_1", to="backup"}', good: 0, bad: { grows: 1 }, below: 1 },
    ],
    quietFor: 10,
    firesAfter: 25,
    resolvesAfter: 600,
  },
  {
    alert: 'FourlaneKeepalivedDown',
    severity: 'critical',
    labels: { process: 'vrrp' },
    series: [
      { series: 'fourlane_keepalived_process_up{process="vrrp"}', good: 1, bad: 0, below: 1 },
      // keepalived without virtual servers has none.
      { series: 'fourlane_keepalived_process_up{process="checker"}', good: 0, bad: 0 },
    ],
    firesAfter: 15,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneControlQueueDrops',
    severity: 'warning',
    labels: { source: 'dpvs' },
    series: [{ series: 'fourlane_control_queue_dropped_total{source="dpvs"}', good: 0, bad: { grows: 1 }, below: 0 }],
    firesAfter: 305,
    resolvesAfter: 300,
  },
  {
    alert: 'FourlaneControlPathDrops',
    severity: 'warning',
    labels: { source: 'kernel', stage: 'socket', place: '3784' },
    series: [
      {
        series: 'fourlane_control_path_dropped_total{source="kernel", stage="socket", place="3784"}',
        good: 0,
        bad: { grows: 1 },
        below: 0,
      },
      // Helpers of workers carry the services' traffic.
      {
        series: 'fourlane_control_path_dropped_total{source="dpvs", stage="isolated_core", place="5"}',
        good: { grows: 1 },
        bad: { grows: 1 },
      },
    ],
    firesAfter: 125,
    resolvesAfter: 300,
  },
  {
    alert: 'FourlaneControlPathShared',
    severity: 'warning',
    labels: { source: 'kernel', nic: 'eth2' },
    series: [
      { series: 'fourlane_control_path_state{source="kernel", nic="eth2", state="isolated"}', good: 1, bad: 0, below: 1 },
      // It never had one.
      { series: 'fourlane_control_path_state{source="kernel", nic="eth3", state="isolated"}', good: 0, bad: 0 },
    ],
    firesAfter: 120,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneNumaMisplaced',
    severity: 'warning',
    labels: { source: 'dpvs', nic: 'eth2', what: 'cores' },
    series: [{ series: 'fourlane_numa_misplaced{source="dpvs", nic="eth2", what="cores"}', good: 0, bad: 1, below: 0 }],
    firesAfter: 900,
    resolvesAfter: 0,
    step: 15,
  },
  {
    alert: 'FourlaneSyncDaemonStopped',
    severity: 'warning',
    labels: { role: 'backup' },
    series: [
      { series: 'fourlane_ipvs_sync_daemon_running{role="backup", interface="eth0", sync_id="1"}', good: 1, bad: null, below: 1 },
      { series: 'fourlane_ipvs_sync_daemon_running{role="backup", interface="", sync_id=""}', good: null, bad: 0, below: null },
    ],
    firesAfter: 120,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneSyncDrops',
    severity: 'warning',
    labels: { role: 'backup' },
    series: [{ series: 'fourlane_ipvs_sync_dropped_total{role="backup", port="8848"}', good: 0, bad: { grows: 1 }, below: 0 }],
    firesAfter: 125,
    resolvesAfter: 300,
  },
  {
    alert: 'FourlaneWeightsChanged',
    severity: 'warning',
    labels: { actuator: 'ipvs' },
    series: [flag('fourlane_action_drifted{actuator="ipvs"}')],
    firesAfter: 60,
    resolvesAfter: 0,
  },
];
