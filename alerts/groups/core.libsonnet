// Cores, ports and memory of the data plane.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local t = config.thresholds;
  local core = ['cluster', 'server', 'core'];
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  local theCore = 'Core {{ $labels.core }} of {{ $labels.source }} on ' + where;
  local alert(a) = lib.alert(config, { level: 'core', vars: core } + a);
  local telemetry = "curl -s http://127.0.0.1:9844/metrics | grep '^fourlane_core_'";
  // Processes that answered in the window before and have no series now, where the collector is in that state.
  local gone(window, state) = |||
    or (
      max by (cluster, server, source) (last_over_time(fourlane_dpdk_up{%(s)s}[%(window)s])) unless on (cluster, server, source) fourlane_dpdk_up{%(s)s}
    ) and on (cluster, server) fourlane_collector_state{%(s)s, collector="dpdk", state="%(state)s"} == 1
  ||| % { s: s, window: window, state: state };
  local by = 'sum by (cluster, server, source, core)';
  {
    name: 'fourlane-core',
    rules: [
      alert({
        name: 'FourlaneCoreStalled',
        severity: 'critical',
        expr: 'max by (cluster, server, source, core) (fourlane_core_stalled{%s}) == 1' % s,
        hold: '10s',
        keep: config.keepFiring,
        summary: 'A data-plane core has stopped looping.',
        description: theCore + ' does not loop any more: nothing that its queues receive is forwarded.',
        impact: 'Flows that RSS gives to this core fail; the others go on.',
        command: telemetry,
      }),
      alert({
        name: 'FourlaneDataPlaneGone',
        severity: 'critical',
        // The only process of a server leaves no series when it dies or is ended: the collector fails, or finds nothing.
        expr: 'max by (cluster, server, source) (fourlane_dpdk_up{%s}) == 0\n' % s + gone('1d', 'failed') + gone('1h', 'absent'),
        hold: '30s',
        keep: config.keepFiring,
        summary: 'A DPDK process does not answer.',
        description: 'The DPDK process {{ $labels.source }} on ' + where + ' does not answer on its telemetry socket.',
        command: 'ps -C dpvs -o pid,etime,stat,args; ls -l /var/run/dpdk/*/',
        vars: ['cluster', 'server'],
      }),
      alert({
        name: 'FourlanePacketsLost',
        severity: 'critical',
        expr: |||
          sum by (cluster, server, source, port) (rate(fourlane_dpdk_port_missed_total{%(s)s}[1m]) + rate(fourlane_dpdk_port_no_mbuf_total{%(s)s}[1m]))
          / sum by (cluster, server, source, port) (rate(fourlane_dpdk_port_packets_total{%(s)s, direction="in"}[1m])) > %(t)g
          unless on (cluster, server) fourlane_dpvs_info{%(s)s}
          or label_replace(
            sum by (cluster, server, port) (rate(fourlane_dpvs_port_missed_total{%(s)s}[1m]) + rate(fourlane_dpvs_port_no_mbuf_total{%(s)s}[1m]))
            / sum by (cluster, server, port) (rate(fourlane_dpvs_port_packets_total{%(s)s, direction="in"}[1m])) > %(t)g,
            "source", "dpvs", "", ""
          )
        ||| % { s: s, t: t.dropRatio },
        hold: '1m',
        summary: 'A port of the data plane loses packets.',
        description: 'Port {{ $labels.port }} of {{ $labels.source }} on ' + where + ' loses {{ $value | humanizePercentage }} of its packets: cores do not fetch them in time, or the packet pool is empty.',
        command: telemetry,
        vars: ['cluster', 'server'],
      }),
      alert({
        name: 'FourlaneCoreSaturated',
        severity: 'warning',
        expr: |||
          %(by)s (rate(fourlane_core_cycles_total{%(s)s, state="busy"}[1m])) / %(by)s (rate(fourlane_core_cycles_total{%(s)s}[1m])) > %(busy)g
          or %(by)s (rate(fourlane_core_polls_total{%(s)s, fill="full"}[1m])) / %(by)s (rate(fourlane_core_polls_total{%(s)s}[1m])) > %(full)g
        ||| % { s: s, by: by, busy: t.coreBusy, full: t.coreFullPolls },
        hold: '2m',
        summary: 'A data-plane core is near its limit.',
        description: theCore + ' is at {{ $value | humanizePercentage }} of busy cycles or full polls.',
        command: telemetry,
      }),
      alert({
        name: 'FourlaneCoreLatencyHigh',
        severity: 'warning',
        expr: 'histogram_quantile(0.99, sum by (cluster, server, source, core, le) (rate(fourlane_core_packet_latency_seconds_bucket{%s}[5m]))) > %g' % [s, t.coreLatencySeconds],
        hold: '5m',
        summary: 'Packets stay long in a data-plane core.',
        description: 'The 99th percentile of packet latency of core {{ $labels.core }} of {{ $labels.source }} on ' + where + ' is {{ $value | humanizeDuration }}.',
        command: telemetry,
      }),
      alert({
        name: 'FourlanePacketPoolLow',
        severity: 'warning',
        expr: 'min by (cluster, server, source, pool) (fourlane_dpdk_mempool_available{%(s)s} / (fourlane_dpdk_mempool_size{%(s)s} > 0)) < 0.05' % { s: s },
        hold: '1m',
        summary: 'A packet pool is nearly empty.',
        description: 'Pool {{ $labels.pool }} of {{ $labels.source }} on ' + where + ' has {{ $value | humanizePercentage }} of its objects free.',
        command: telemetry,
        vars: ['cluster', 'server'],
      }),
      alert({
        name: 'FourlaneSnatPortsLow',
        severity: 'warning',
        expr: |||
          sum by (cluster, server, source, local_address) (fourlane_snat_ports_used{%(s)s})
          / (sum by (cluster, server, source, local_address) (fourlane_snat_ports_used{%(s)s}) + sum by (cluster, server, source, local_address) (fourlane_snat_ports_free{%(s)s})) > %(t)g
        ||| % { s: s, t: t.snatPorts },
        hold: '2m',
        summary: 'A local address runs out of SNAT ports.',
        description: '{{ $value | humanizePercentage }} of the ports of local address {{ $labels.local_address }} on ' + where + ' are in use.',
        command: 'fourlane collect dpvs --json',
        vars: ['cluster', 'server'],
      }),
      alert({
        name: 'FourlaneSnatPortsExhausted',
        severity: 'critical',
        expr: 'sum by (cluster, server, source, local_address) (rate(fourlane_snat_port_misses_total{%s}[1m])) > 0' % s,
        hold: '1m',
        summary: 'Connections fail because no SNAT port is free.',
        description: 'Local address {{ $labels.local_address }} on ' + where + ' had no port for {{ $value | humanize }} connections per second.',
        command: 'fourlane collect dpvs --json',
        vars: ['cluster', 'server'],
      }),
      alert({
        name: 'FourlaneCoreShareUneven',
        severity: 'warning',
        expr: |||
          (
            sum by (cluster, server, source, core) (rate(fourlane_core_packets_total{%(s)s, direction="in"}[5m])) > 10000
          )
          / on (cluster, server, source) group_left ()
          avg by (cluster, server, source) (sum by (cluster, server, source, core) (rate(fourlane_core_packets_total{%(s)s, direction="in"}[5m])) > 0)
          > 2
        ||| % { s: s },
        hold: '15m',
        summary: 'One data-plane core receives more than twice its share.',
        description: theCore + ' receives {{ $value | humanize }} times what its cores receive on average: RSS, rules or SNAT addresses spread unevenly.',
        command: telemetry,
      }),
      alert({
        name: 'FourlaneKernelBacklog',
        severity: 'warning',
        expr: 'sum by (cluster, server) (rate(fourlane_softnet_dropped_total{%s}[5m])) > 1' % s,
        hold: '5m',
        summary: 'The kernel drops packets before it looks at them.',
        description: where + ' drops {{ $value | humanize }} packets per second because the backlog of a CPU is full.',
        command: 'cat /proc/net/softnet_stat; sysctl net.core.netdev_max_backlog',
        vars: ['cluster', 'server'],
      }),
    ],
  }
