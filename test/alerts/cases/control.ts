/** VRRP, keepalived, control of the data plane. */
import { type AlertCase, flag, KEEP, type Series } from '../timeline.ts';

const vrrp = (state: string, server: string, good: number, bad: number, below = good): Series => ({
  series: `fourlane_vrrp_state{server="${server}", instance="${server}", vrrp_instance="VI_1", state="${state}"}`,
  good,
  bad,
  below,
});

const running = (role: string, server: string, of: string) =>
  `fourlane_ipvs_sync_daemon_running{server="${server}", role="${role}", interface=${of}, sync_id=${of}}`;
const active = (server: string, realServer: string) =>
  `fourlane_real_server_active_connections{server="${server}", source="ipvs", service="web", real_server="${realServer}"}`;

const heldBy = (server: string, role: string, peer: string) => ({
  series: `fourlane_session_sync_completeness_ratio{server="${server}", source="ipvs", peer="${peer}", role="${role}"}`,
  good: 1,
  bad: 0.7,
  below: 0.95,
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
    alert: 'FourlaneSessionSyncDrops',
    severity: 'warning',
    labels: { source: 'tdlb', stage: 'no_dest' },
    series: [
      {
        series: 'fourlane_session_sync_dropped_total{source="tdlb", core="1", stage="no_dest"}',
        good: 0,
        bad: { grows: 1 },
        below: 0,
      },
    ],
    firesAfter: 125,
    resolvesAfter: 300,
  },
  {
    alert: 'FourlaneSessionSyncStalled',
    severity: 'warning',
    labels: { source: 'tdlb', peer: '2' },
    series: [
      { series: 'fourlane_session_sync_peer_state{source="tdlb", peer="2", state="up"}', good: 1, bad: 0, below: 1 },
      { series: 'fourlane_session_sync_peer_state{source="tdlb", peer="2", state="down"}', good: 0, bad: 1, below: 0 },
      // Somebody is always heard.
      { series: 'fourlane_session_sync_peer_state{source="tdlb", peer="1", state="up"}', good: 1, bad: 1 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneSessionSyncIncomplete',
    severity: 'warning',
    labels: { peer: '3' },
    series: [
      { series: 'fourlane_session_sync_sessions{server="lb3", source="tdlb", sync_id="3", origin="own"}', good: 1000, bad: 1000 },
      { series: 'fourlane_session_sync_sessions{server="lb3", source="tdlb", sync_id="3", origin="synced"}', good: 9, bad: 9 },
      { series: 'fourlane_session_sync_peer_sessions{source="tdlb", peer="3"}', good: 1000, bad: 940, below: 950 },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    // Kernel LVS: a backup beside its master.
    alert: 'FourlaneSessionSyncIncomplete',
    severity: 'warning',
    labels: { peer: 'master' },
    series: [
      { series: running('master', 'lb2', '"eth0"'), good: 1, bad: 1 },
      { series: running('backup', 'lb2', '""'), good: 0, bad: 0 },
      { series: running('backup', 'lb1', '"eth0"'), good: 1, bad: 1 },
      { series: running('master', 'lb1', '""'), good: 0, bad: 0 },
      { series: active('lb2', '10.1.0.1:80'), good: 600, bad: 600 },
      { series: active('lb2', '10.1.0.2:80'), good: 400, bad: 400 },
      { series: active('lb1', '10.1.0.1:80'), good: 600, bad: 600 },
      { series: active('lb1', '10.1.0.2:80'), good: 400, bad: 300, below: 350 },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    // As the agent of a backup compares them: one alert, although the sum over both would have it too.
    alert: 'FourlaneSessionSyncIncomplete',
    severity: 'warning',
    labels: { peer: 'lb2' },
    series: [
      heldBy('lb1', 'backup', 'lb2'),
      { series: running('master', 'lb2', '"eth0"'), good: 1, bad: 1 },
      { series: running('backup', 'lb1', '"eth0"'), good: 1, bad: 1 },
      { series: active('lb2', '10.1.0.1:80'), good: 1000, bad: 1000 },
      { series: active('lb1', '10.1.0.1:80'), good: 1000, bad: 700, below: 950 },
    ],
    firesAfter: 300,
    resolvesAfter: 0,
  },
  {
    // As the agents of both do: still one, of the server that lacks the connections.
    alert: 'FourlaneSessionSyncIncomplete',
    severity: 'warning',
    labels: { peer: 'lb2' },
    series: [heldBy('lb1', 'backup', 'lb2'), heldBy('lb2', 'master', 'lb1')],
    firesAfter: 300,
    resolvesAfter: 0,
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
