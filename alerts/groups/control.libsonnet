// VRRP, keepalived, the control of the data plane, weights changed by others.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local t = config.thresholds;
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  local alert(name, severity, expr, summary, description, command, hold=null, keep=null, vars=['cluster', 'server'], level='control') =
    lib.alert(config, name, severity, expr, summary, description, command, level, vars, null, hold, keep);
  local master = 'fourlane_vrrp_state{cluster=%q, vrrp_instance=%q, state="master"} == 1';
  local masters = lib.list(master, ['cluster', 'vrrp_instance'], 'server', 'none');
  {
    name: 'fourlane-control',
    rules: [
      alert(
        'FourlaneVrrpNoMaster', 'critical', 'sum by (cluster, vrrp_instance) (fourlane_vrrp_state{%s, state="master"}) == 0' % s,
        'No server is master of a VRRP instance.',
        'VRRP instance {{ $labels.vrrp_instance }} of cluster {{ $labels.cluster }} has no master: its addresses are on no server that fourlane sees.',
        'journalctl -u keepalived -n 50; ip -br addr', '15s', config.keepFiring, ['cluster']
      ),
      alert(
        'FourlaneVrrpTwoMasters', 'critical', 'sum by (cluster, vrrp_instance) (fourlane_vrrp_state{%s, state="master"}) > 1' % s,
        'Several servers are master of one VRRP instance.',
        'VRRP instance {{ $labels.vrrp_instance }} of cluster {{ $labels.cluster }} has {{ $value }} masters: ' + masters + '. They do not hear each other.',
        'tcpdump -ni any vrrp -c 10; journalctl -u keepalived -n 50', '15s', config.keepFiring, ['cluster']
      ),
      alert(
        'FourlaneVrrpFlapping', 'warning',
        'sum by (cluster, server, vrrp_instance) (increase(fourlane_vrrp_transitions_total{%s}[10m])) > %d' % [s, t.vrrpTransitions],
        'A VRRP instance keeps changing its state.',
        'VRRP instance {{ $labels.vrrp_instance }} on ' + where + ' changed its state {{ $value | humanize }} times in 10 minutes.',
        'journalctl -u keepalived -n 100'
      ),
      alert(
        'FourlaneKeepalivedDown', 'critical',
        // A process that never ran here is none that is missing: keepalived without virtual servers has no checker.
        |||
          min by (cluster, server, process) (fourlane_keepalived_process_up{%(s)s}) == 0
          and on (cluster, server, process) max by (cluster, server, process) (max_over_time(fourlane_keepalived_process_up{%(s)s}[1d])) == 1
        ||| % { s: s },
        'A process of keepalived does not run.',
        'Process {{ $labels.process }} of keepalived on ' + where + ' does not run.',
        'systemctl status keepalived; journalctl -u keepalived -n 50', '15s', config.keepFiring
      ),
      alert(
        'FourlaneControlQueueDrops', 'warning', 'sum by (cluster, server, source) (rate(fourlane_control_queue_dropped_total{%s}[5m])) > 0' % s,
        'Cores of the data plane do not answer control questions in time.',
        'Cores of {{ $labels.source }} on ' + where + ' leave control questions unanswered: message queues full, or cores overloaded. Probes and routes may follow.',
        'fourlane collect dpvs --json', '5m'
      ),
      alert(
        'FourlaneSyncDaemonStopped', 'warning',
        |||
          max by (cluster, server, role) (fourlane_ipvs_sync_daemon_running{%(s)s}) == 0
          and on (cluster, server, role) max by (cluster, server, role) (max_over_time(fourlane_ipvs_sync_daemon_running{%(s)s}[1h])) == 1
        ||| % { s: s },
        'Connection synchronisation of kernel LVS has stopped.',
        'The {{ $labels.role }} daemon of connection synchronisation on ' + where + ' has stopped: connections will break at a failover.',
        'ipvsadm -L --daemon', '2m'
      ),
      alert(
        'FourlaneWeightsChanged', 'warning', 'sum by (cluster, server, actuator) (fourlane_action_drifted{%s}) > 0' % s,
        'Somebody else changes what fourlane has set.',
        '{{ $value }} effects of actuator {{ $labels.actuator }} on ' + where + ' were changed by somebody else and not put back.',
        'fourlane status; journalctl -u fourlane -n 50 | grep {{ $labels.actuator }}', '1m', level='agent'
      ),
    ],
  }
