// The agent itself: what it cannot see, what it was not allowed to do, what it could not do. The dead man's switch.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local server = ['cluster', 'server'];
  local alert(a) = lib.alert(config, { level: 'agent', vars: server } + a);
  local state(name) = 'max by (cluster, server) (fourlane_agent_state{%s, state="%s"}) == 1' % [s, name];
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  // Who was where: `up` knows instances only.
  local known = 'max by (job, instance, cluster, server) (last_over_time(fourlane_build_info{%s}[1d]))' % s;
  {
    name: 'fourlane-agent',
    rules: [
      alert({
        name: 'FourlaneAgentIsolated',
        severity: 'critical',
        expr: state('isolated'),
        hold: '0s',
        keep: config.keepFiring,
        summary: 'A load balancer reaches neither real servers nor gateways.',
        description: where + ' is judged AGENT_ISOLATED: no real server and no gateway answers through any NIC. The agent is frozen: nothing is switched.',
        impact: 'Health is not being managed on this server; the last good state stays in force.',
        command: 'ip -br link; ip route; fourlane status',
      }),
      alert({
        name: 'FourlaneAllRealServersDown',
        severity: 'critical',
        expr: state('all_rs_down'),
        hold: '0s',
        keep: config.keepFiring,
        summary: 'No real server answers a load balancer although its gateways do.',
        description: where + ' is judged ALL_RS_DOWN: every real server fails while gateways answer. The agent is frozen: nothing is switched.',
        impact: 'Health is not being managed on this server; the last good state stays in force.',
        command: 'fourlane status',
      }),
      alert({
        name: 'FourlaneAgentIll',
        severity: 'critical',
        expr: state('ill'),
        hold: '0s',
        keep: config.keepFiring,
        summary: 'A load balancer fails where the others do not.',
        description: where + ' is judged AGENT_ILL: many real servers fail there that most other load balancers reach. The agent is frozen.',
        impact: 'Clients whose traffic comes to this server fail; the others are well.',
        command: 'fourlane status; ip -br link; ip route',
      }),
      alert({
        name: 'FourlaneAgentStalled',
        severity: 'critical',
        expr: state('stalled'),
        hold: '2m',
        keep: config.keepFiring,
        summary: 'An agent cannot trust its own checks.',
        description: where + ' is judged AGENT_STALLED: most checks ran late or not at all. The agent is frozen: nothing is switched.',
        impact: 'Health is not being managed on this server; the last good state stays in force.',
        command: 'uptime; systemctl status fourlane; fourlane status',
      }),
      alert({
        name: 'FourlaneAgentDown',
        severity: 'critical',
        expr: '(up{%(s)s} == 0) * on (job, instance) group_left (cluster, server) %(known)s or (up{%(s)s} == 0) unless on (job, instance) %(known)s' % { s: s, known: known },
        hold: '1m',
        keep: config.keepFiring,
        summary: 'An agent cannot be scraped.',
        description: 'The agent of {{ or $labels.server $labels.instance }}{{ with $labels.cluster }} in cluster {{ . }}{{ end }} does not answer Prometheus.',
        impact: 'Health is not being managed on this server; its data plane goes on forwarding.',
        command: 'systemctl status fourlane; journalctl -u fourlane -n 50',
      }),
      alert({
        name: 'FourlaneAgentGone',
        severity: 'warning',
        expr: '(%s) unless on (job, instance) up{%s}' % [known, s],
        hold: '5m',
        summary: 'An agent has gone from the targets of Prometheus.',
        description: 'The agent of ' + where + ' was scraped in the last day and is no target now.',
        command: 'promtool query instant http://prometheus:9090 "up{%s}"' % std.strReplace(s, '"', "'"),
      }),
      alert({
        name: 'FourlaneActionsFail',
        severity: 'critical',
        expr: 'sum by (cluster, server, actuator) (fourlane_action_pending{%(s)s}) > 0 and sum by (cluster, server, actuator) (increase(fourlane_actions_total{%(s)s, result="failed"}[5m])) > 0' % { s: s },
        hold: '1m',
        summary: 'The agent cannot carry out what it decided.',
        description: '{{ $value }} effects of actuator {{ $labels.actuator }} on ' + where + ' are wanted and not in place; attempts fail.',
        command: 'journalctl -u fourlane -n 50 | grep {{ $labels.actuator }}',
      }),
      alert({
        name: 'FourlaneActionUnsupported',
        severity: 'warning',
        expr: 'sum by (cluster, server, actuator) (fourlane_action_unsupported{%s}) > 0' % s,
        hold: '1m',
        summary: 'What the agent decided cannot be carried out with this actuator.',
        description: '{{ $value }} effects of actuator {{ $labels.actuator }} on ' + where + ' are wanted and can not be put in place; they are not tried again: '
                     + lib.each('fourlane_action_not_in_place_since_timestamp_seconds{cluster=%q, server=%q, actuator=%q}', server + ['actuator'], '{{ .Labels.subject }}: wanted {{ .Labels.wanted }}, in place {{ .Labels.actual }}, since {{ .Value | humanizeTimestamp }}: {{ .Labels.why }}', 'see fourlane status', 5) + '.',
        command: 'fourlane status; journalctl -u fourlane -n 200 | grep {{ $labels.actuator }}',
      }),
      alert({
        name: 'FourlaneGovernorBlocked',
        severity: 'critical',
        expr: 'sum by (cluster, server, rule) (increase(fourlane_governor_blocked_total{%s, rule=~"last_nic|half_nics"}[5m])) > 0' % s,
        summary: 'The agent refused an action that its limits forbid: somebody must decide.',
        description: 'On ' + where + ' the limit {{ $labels.rule }} held back what the verdicts ask for.',
        command: 'fourlane status',
      }),
      alert({
        name: 'FourlaneLaneDown',
        severity: 'warning',
        expr: 'max by (cluster, server, nic) (fourlane_lane_state{%s, state!="running"} == 1) == 1' % s,
        hold: '1m',
        summary: 'The lane that probes through a NIC does not run.',
        description: 'NIC {{ $labels.nic }} of ' + where + ' is not being probed.',
        command: 'journalctl -u fourlane -n 50 | grep {{ $labels.nic }}',
      }),
      alert({
        name: 'FourlaneConfigRefused',
        severity: 'warning',
        expr: 'min by (cluster, server) (fourlane_config_last_reload_successful{%s}) == 0' % s,
        summary: 'An agent refused its config file and runs on with the old one.',
        description: 'The config file of ' + where + ' was refused; the one before it is in force. A restart would fail.',
        command: 'fourlane check-config --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlaneCollectorFails',
        severity: 'warning',
        expr: 'max by (cluster, server, collector) (fourlane_collector_state{%s, state="failed"}) == 1' % s,
        hold: '5m',
        summary: 'A source of metrics cannot be read.',
        description: 'Collector {{ $labels.collector }} of ' + where + ' fails.',
        command: 'fourlane collect {{ $labels.collector }} --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlaneStateNotSaved',
        severity: 'warning',
        expr: 'max by (cluster, server) (fourlane_state_save_failed{%s}) == 1' % s,
        hold: '1m',
        summary: 'An agent cannot write its state file.',
        description: 'The state file of ' + where + ' cannot be written: after a restart, what was switched off is not remembered.',
        command: 'df -h /var/lib/fourlane; ls -ld /var/lib/fourlane',
      }),
      alert({
        name: 'FourlaneRecordsDropped',
        severity: 'warning',
        expr: |||
          sum by (cluster, server) (increase(fourlane_evidence_dropped_total{%(s)s}[10m]))
          + sum by (cluster, server) (increase(fourlane_lane_results_dropped_total{%(s)s}[10m])) > 0
        ||| % { s: s },
        hold: '5m',
        summary: 'An agent loses evidence or results of checks.',
        description: '{{ $value | humanize }} records were dropped on ' + where + ' in 10 minutes: disk or processor too slow.',
        command: 'iostat -x 1 3; uptime',
      }),
      lib.alert(config, {
        name: 'FourlaneDeadMansSwitch',
        severity: 'none',
        expr: 'vector(1)',
        summary: 'Always firing: its absence means that alerting is broken.',
        description: 'Heartbeat of the alerting chain, always {{ $value }}. Send it to a receiver that pages when it stops.',
        command: 'none: this alert is expected',
        level: 'agent',
        vars: [],
      }),
    ],
  }
