// VRRP, keepalived, the control of the data plane, weights changed by others.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local t = config.thresholds;
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  local alert(a) = lib.alert(config, { level: 'control', vars: ['cluster', 'server'] } + a);
  local master = 'fourlane_vrrp_state{cluster=%q, vrrp_instance=%q, state="master"} == 1';
  local masters = lib.list(master, ['cluster', 'vrrp_instance'], 'server', 'none');
  {
    name: 'fourlane-control',
    rules: [
      alert({
        name: 'FourlaneVrrpNoMaster',
        severity: 'critical',
        expr: 'sum by (cluster, vrrp_instance) (fourlane_vrrp_state{%s, state="master"}) == 0' % s,
        hold: '15s',
        keep: config.keepFiring,
        summary: 'No server is master of a VRRP instance.',
        description: 'VRRP instance {{ $labels.vrrp_instance }} of cluster {{ $labels.cluster }} has no master: its addresses are on no server that fourlane sees.',
        command: 'journalctl -u keepalived -n 50; ip -br addr',
        vars: ['cluster'],
      }),
      alert({
        name: 'FourlaneVrrpTwoMasters',
        severity: 'critical',
        expr: 'sum by (cluster, vrrp_instance) (fourlane_vrrp_state{%s, state="master"}) > 1' % s,
        hold: '15s',
        keep: config.keepFiring,
        summary: 'Several servers are master of one VRRP instance.',
        description: 'VRRP instance {{ $labels.vrrp_instance }} of cluster {{ $labels.cluster }} has {{ $value }} masters: ' + masters + '. They do not hear each other.',
        command: 'tcpdump -ni any vrrp -c 10; journalctl -u keepalived -n 50',
        vars: ['cluster'],
      }),
      alert({
        name: 'FourlaneVrrpFlapping',
        severity: 'warning',
        expr: 'sum by (cluster, server, vrrp_instance) (increase(fourlane_vrrp_transitions_total{%s}[10m])) > %d' % [s, t.vrrpTransitions],
        summary: 'A VRRP instance keeps changing its state.',
        description: 'VRRP instance {{ $labels.vrrp_instance }} on ' + where + ' changed its state {{ $value | humanize }} times in 10 minutes.',
        command: 'journalctl -u keepalived -n 100',
      }),
      alert({
        name: 'FourlaneKeepalivedDown',
        severity: 'critical',
        // A process that never ran here is none that is missing: keepalived without virtual servers has no checker.
        expr: |||
          min by (cluster, server, process) (fourlane_keepalived_process_up{%(s)s}) == 0
          and on (cluster, server, process) max by (cluster, server, process) (max_over_time(fourlane_keepalived_process_up{%(s)s}[1d])) == 1
        ||| % { s: s },
        hold: '15s',
        keep: config.keepFiring,
        summary: 'A process of keepalived does not run.',
        description: 'Process {{ $labels.process }} of keepalived on ' + where + ' does not run.',
        command: 'systemctl status keepalived; journalctl -u keepalived -n 50',
      }),
      alert({
        name: 'FourlaneShadowDisagrees',
        severity: 'info',
        expr: 'sum by (cluster, server, out, verdict) (fourlane_shadow_differing_real_servers{%s}) > 0' % s,
        hold: '5m',
        summary: 'In shadow mode keepalived and fourlane disagree.',
        description: '{{ $value }} real servers on ' + where + ' are out for {{ $labels.out }} and in service for the other one, verdict {{ $labels.verdict }}.',
        command: 'fourlane shadow report',
      }),
      alert({
        name: 'FourlaneControlQueueDrops',
        severity: 'warning',
        expr: 'sum by (cluster, server, source) (rate(fourlane_control_queue_dropped_total{%s}[5m])) > 0' % s,
        hold: '5m',
        summary: 'Cores of the data plane do not answer control questions in time.',
        description: 'Cores of {{ $labels.source }} on ' + where + ' leave control questions unanswered: message queues full, or cores overloaded. Probes and routes may follow.',
        command: 'fourlane collect dpvs --json',
      }),
      alert({
        name: 'FourlaneControlPathDrops',
        severity: 'warning',
        expr: 'sum by (cluster, server, source, stage, place) (rate(fourlane_control_path_dropped_total{%s, stage!="isolated_core"}[5m])) > 0' % s,
        hold: '2m',
        summary: 'Control traffic is dropped between NIC and program.',
        description: where + ' drops {{ $value | humanize }} packets of control traffic per second at {{ $labels.stage }} {{ $labels.place }}: BGP, BFD and probes suffer.',
        impact: 'BGP and BFD sessions end although their links are well; probes report what is not so.',
        command: 'fourlane collect control --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlaneControlPathShared',
        severity: 'warning',
        expr: |||
          max by (cluster, server, source, nic) (fourlane_control_path_state{%(s)s, state="isolated"}) == 0
          and on (cluster, server, source, nic) max by (cluster, server, source, nic) (max_over_time(fourlane_control_path_state{%(s)s, state="isolated"}[6h])) == 1
        ||| % { s: s },
        hold: '2m',
        summary: 'Control traffic has lost the queue of its own.',
        description: 'NIC {{ $labels.nic }} on ' + where + ' had a queue for control traffic alone, and has none now: under load BGP and BFD are dropped with the rest.',
        command: 'fourlane doctor --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlaneNumaMisplaced',
        severity: 'warning',
        expr: 'max by (cluster, server, source, nic, what) (fourlane_numa_misplaced{%s}) > 0' % s,
        hold: '15m',
        summary: 'A NIC is served from another NUMA node than its own.',
        description: 'NIC {{ $labels.nic }} on ' + where + ' is served from another NUMA node: {{ $labels.what }} ({{ $value }}).',
        command: 'fourlane doctor --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlaneSyncDaemonStopped',
        severity: 'warning',
        expr: |||
          max by (cluster, server, role) (fourlane_ipvs_sync_daemon_running{%(s)s}) == 0
          and on (cluster, server, role) max by (cluster, server, role) (max_over_time(fourlane_ipvs_sync_daemon_running{%(s)s}[1h])) == 1
        ||| % { s: s },
        hold: '2m',
        summary: 'Connection synchronisation of kernel LVS has stopped.',
        description: 'The {{ $labels.role }} daemon of connection synchronisation on ' + where + ' has stopped: connections will break at a failover.',
        command: 'ipvsadm -L --daemon',
      }),
      alert({
        name: 'FourlaneSyncDrops',
        severity: 'warning',
        expr: 'sum by (cluster, server, role) (rate(fourlane_ipvs_sync_dropped_total{%s}[5m])) > 0' % s,
        hold: '2m',
        summary: 'Connection synchronisation of kernel LVS loses connections.',
        description: 'The {{ $labels.role }} daemon on ' + where + ' drops datagrams at a full socket: what they held is unknown at a failover.',
        command: 'grep 510000E0 /proc/net/udp; sysctl net.ipv4.vs.sync_sock_size',
      }),
      alert({
        name: 'FourlaneSessionSyncDrops',
        severity: 'warning',
        expr: 'sum by (cluster, server, source, stage) (rate(fourlane_session_sync_dropped_total{%s}[5m])) > 0' % s,
        hold: '2m',
        summary: 'The data plane loses sessions on their way to other servers.',
        description: '{{ $labels.source }} on ' + where + ' loses {{ $value | humanize }} sessions a second at stage {{ $labels.stage }}: they break at a fail-over.',
        command: 'fourlane collect dpdk --json',
      }),
      alert({
        name: 'FourlaneSessionSyncStalled',
        severity: 'warning',
        expr: |||
          max by (cluster, server, source, peer) (fourlane_session_sync_peer_state{%(s)s, state="up"}) == 0
          or time() - max by (cluster, server, source, peer) (fourlane_session_sync_last_received_timestamp_seconds{%(s)s}) > %(t)d
        ||| % { s: s, t: t.syncSilentSeconds },
        hold: '1m',
        summary: 'A server gets no sessions of another one.',
        description: '{{ $labels.source }} on ' + where + ' gets nothing of peer {{ $labels.peer }}: its new sessions are unknown here at a fail-over.',
        command: 'fourlane collect dpdk --json',
      }),
      alert({
        name: 'FourlaneSessionSyncIncomplete',
        severity: 'warning',
        expr: 'server_peer:fourlane_session_sync_completeness:ratio < %g' % t.syncCompleteness,
        hold: '5m',
        summary: 'A server lacks sessions of another one.',
        description: where + ' holds {{ $value | humanizePercentage }} of the sessions of peer {{ $labels.peer }}: the others break at a fail-over.',
        command: 'fourlane collect dpdk --json; ipvsadm -L --daemon',
      }),
      alert({
        name: 'FourlaneWeightsChanged',
        severity: 'warning',
        expr: 'sum by (cluster, server, actuator) (fourlane_action_drifted{%s}) > 0' % s,
        hold: '1m',
        summary: 'Somebody else changes what fourlane has set.',
        description: '{{ $value }} effects of actuator {{ $labels.actuator }} on ' + where + ' were changed by somebody else and not put back.',
        command: 'fourlane status; journalctl -u fourlane -n 50 | grep {{ $labels.actuator }}',
        level: 'agent',
      }),
    ],
  }
