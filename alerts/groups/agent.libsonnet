// The agent itself: what it cannot see, what it was not allowed to do, what it could not do. The dead man's switch.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local server = ['cluster', 'server'];
  local alert(name, severity, expr, summary, description, command, impact=null, hold=null, keep=null, vars=server, labels={}) =
    lib.alert(config, name, severity, expr, summary, description, command, 'agent', vars, impact, hold, keep, labels);
  local state(name) = 'max by (cluster, server) (fourlane_agent_state{%s, state="%s"}) == 1' % [s, name];
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  // Who was where: `up` knows instances only.
  local known = 'max by (job, instance, cluster, server) (last_over_time(fourlane_build_info{%s}[1d]))' % s;
  {
    name: 'fourlane-agent',
    rules: [
      alert(
        'FourlaneAgentIsolated', 'critical', state('isolated'),
        'A load balancer reaches neither real servers nor gateways.',
        where + ' is judged AGENT_ISOLATED: no real server and no gateway answers through any NIC. The agent is frozen: nothing is switched.',
        'ip -br link; ip route; fourlane status', 'Health is not being managed on this server; the last good state stays in force.', '0s', config.keepFiring
      ),
      alert(
        'FourlaneAllRealServersDown', 'critical', state('all_rs_down'),
        'No real server answers a load balancer although its gateways do.',
        where + ' is judged ALL_RS_DOWN: every real server fails while gateways answer. The agent is frozen: nothing is switched.',
        'fourlane status', 'Health is not being managed on this server; the last good state stays in force.', '0s', config.keepFiring
      ),
      alert(
        'FourlaneAgentStalled', 'critical', state('stalled'),
        'An agent cannot trust its own checks.',
        where + ' is judged AGENT_STALLED: most checks ran late or not at all. The agent is frozen: nothing is switched.',
        'uptime; systemctl status fourlane; fourlane status', 'Health is not being managed on this server; the last good state stays in force.', '2m', config.keepFiring
      ),
      alert(
        'FourlaneAgentDown', 'critical',
        '(up{%(s)s} == 0) * on (job, instance) group_left (cluster, server) %(known)s or (up{%(s)s} == 0) unless on (job, instance) %(known)s' % { s: s, known: known },
        'An agent cannot be scraped.',
        'The agent of {{ or $labels.server $labels.instance }}{{ with $labels.cluster }} in cluster {{ . }}{{ end }} does not answer Prometheus.',
        'systemctl status fourlane; journalctl -u fourlane -n 50', 'Health is not being managed on this server; its data plane goes on forwarding.', '1m', config.keepFiring
      ),
      alert(
        'FourlaneAgentGone', 'warning',
        '(%s) unless on (job, instance) up{%s}' % [known, s],
        'An agent has gone from the targets of Prometheus.',
        'The agent of ' + where + ' was scraped in the last day and is no target now.',
        'promtool query instant http://prometheus:9090 "up{%s}"' % std.strReplace(s, '"', "'"), hold='5m'
      ),
      alert(
        'FourlaneActionsFail', 'critical',
        'sum by (cluster, server, actuator) (fourlane_action_pending{%(s)s}) > 0 and sum by (cluster, server, actuator) (increase(fourlane_actions_total{%(s)s, result="failed"}[5m])) > 0' % { s: s },
        'The agent cannot carry out what it decided.',
        '{{ $value }} effects of actuator {{ $labels.actuator }} on ' + where + ' are wanted and not in place; attempts fail.',
        'journalctl -u fourlane -n 50 | grep {{ $labels.actuator }}', hold='1m'
      ),
      alert(
        'FourlaneGovernorBlocked', 'critical',
        'sum by (cluster, server, rule) (increase(fourlane_governor_blocked_total{%s, rule=~"last_nic|half_nics|semaphore"}[5m])) > 0' % s,
        'The agent refused an action that its limits forbid: somebody must decide.',
        'On ' + where + ' the limit {{ $labels.rule }} held back what the verdicts ask for.',
        'fourlane status'
      ),
      alert(
        'FourlaneLaneDown', 'warning',
        'max by (cluster, server, nic) (fourlane_lane_state{%s, state!="running"} == 1) == 1' % s,
        'The lane that probes through a NIC does not run.',
        'NIC {{ $labels.nic }} of ' + where + ' is not being probed.',
        'journalctl -u fourlane -n 50 | grep {{ $labels.nic }}', hold='1m'
      ),
      alert(
        'FourlaneConfigRefused', 'warning', 'min by (cluster, server) (fourlane_config_last_reload_successful{%s}) == 0' % s,
        'An agent refused its config file and runs on with the old one.',
        'The config file of ' + where + ' was refused; the one before it is in force. A restart would fail.',
        'fourlane check-config --config /etc/fourlane.yaml'
      ),
      alert(
        'FourlaneCollectorFails', 'warning', 'max by (cluster, server, collector) (fourlane_collector_state{%s, state="failed"}) == 1' % s,
        'A source of metrics cannot be read.',
        'Collector {{ $labels.collector }} of ' + where + ' fails.',
        'fourlane collect {{ $labels.collector }} --config /etc/fourlane.yaml', hold='5m'
      ),
      alert(
        'FourlaneStateNotSaved', 'warning', 'max by (cluster, server) (fourlane_state_save_failed{%s}) == 1' % s,
        'An agent cannot write its state file.',
        'The state file of ' + where + ' cannot be written: after a restart, what was switched off is not remembered.',
        'df -h /var/lib/fourlane; ls -ld /var/lib/fourlane', hold='1m'
      ),
      alert(
        'FourlaneRecordsDropped', 'warning',
        |||
          sum by (cluster, server) (increase(fourlane_evidence_dropped_total{%(s)s}[10m]))
          + sum by (cluster, server) (increase(fourlane_lane_results_dropped_total{%(s)s}[10m])) > 0
        ||| % { s: s },
        'An agent loses evidence or results of checks.',
        '{{ $value | humanize }} records were dropped on ' + where + ' in 10 minutes: disk or processor too slow.',
        'iostat -x 1 3; uptime', hold='5m'
      ),
      lib.alert(
        config, 'FourlaneDeadMansSwitch', 'none', 'vector(1)',
        'Always firing: its absence means that alerting is broken.',
        'Heartbeat of the alerting chain, always {{ $value }}. Send it to a receiver that pages when it stops.',
        'none: this alert is expected', 'agent', []
      ),
    ],
  }
