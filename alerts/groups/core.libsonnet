// Cores, ports and memory of the data plane.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local t = config.thresholds;
  local core = ['cluster', 'server', 'core'];
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  local theCore = 'Core {{ $labels.core }} of {{ $labels.source }} on ' + where;
  local alert(name, severity, expr, summary, description, command, hold=null, keep=null, vars=core, impact=null) =
    lib.alert(config, name, severity, expr, summary, description, command, 'core', vars, impact, hold, keep);
  local telemetry = "curl -s http://127.0.0.1:9844/metrics | grep '^fourlane_core_'";
  local by = 'sum by (cluster, server, source, core)';
  {
    name: 'fourlane-core',
    rules: [
      alert(
        'FourlaneCoreStalled', 'critical', 'max by (cluster, server, source, core) (fourlane_core_stalled{%s}) == 1' % s,
        'A data-plane core has stopped looping.',
        theCore + ' does not loop any more: nothing that its queues receive is forwarded.',
        telemetry, '10s', config.keepFiring, impact='Flows that RSS gives to this core fail; the others go on.'
      ),
      alert(
        'FourlaneDataPlaneGone', 'critical',
        // The only process of a server leaves no series when it dies or is ended: the collector fails, or finds nothing.
        |||
          max by (cluster, server, source) (fourlane_dpdk_up{%(s)s}) == 0
          or (
            max by (cluster, server, source) (last_over_time(fourlane_dpdk_up{%(s)s}[1d])) unless on (cluster, server, source) fourlane_dpdk_up{%(s)s}
          ) and on (cluster, server) fourlane_collector_state{%(s)s, collector="dpdk", state="failed"} == 1
          or (
            max by (cluster, server, source) (last_over_time(fourlane_dpdk_up{%(s)s}[1h])) unless on (cluster, server, source) fourlane_dpdk_up{%(s)s}
          ) and on (cluster, server) fourlane_collector_state{%(s)s, collector="dpdk", state="absent"} == 1
        ||| % { s: s },
        'A DPDK process does not answer.',
        'The DPDK process {{ $labels.source }} on ' + where + ' does not answer on its telemetry socket.',
        'ps -C dpvs -o pid,etime,stat,args; ls -l /var/run/dpdk/*/', '30s', config.keepFiring, vars=['cluster', 'server']
      ),
      alert(
        'FourlanePacketsLost', 'critical',
        |||
          sum by (cluster, server, source, port) (rate(fourlane_dpdk_port_missed_total{%(s)s}[1m]) + rate(fourlane_dpdk_port_no_mbuf_total{%(s)s}[1m]))
          / sum by (cluster, server, source, port) (rate(fourlane_dpdk_port_packets_total{%(s)s, direction="in"}[1m])) > %(t)g
        ||| % { s: s, t: t.dropRatio },
        'A port of the data plane loses packets.',
        'Port {{ $labels.port }} of {{ $labels.source }} on ' + where + ' loses {{ $value | humanizePercentage }} of its packets: cores do not fetch them in time, or the packet pool is empty.',
        telemetry, '1m', vars=['cluster', 'server']
      ),
      alert(
        'FourlaneCoreSaturated', 'warning',
        |||
          %(by)s (rate(fourlane_core_cycles_total{%(s)s, state="busy"}[1m])) / %(by)s (rate(fourlane_core_cycles_total{%(s)s}[1m])) > %(busy)g
          or %(by)s (rate(fourlane_core_polls_total{%(s)s, fill="full"}[1m])) / %(by)s (rate(fourlane_core_polls_total{%(s)s}[1m])) > %(full)g
        ||| % { s: s, by: by, busy: t.coreBusy, full: t.coreFullPolls },
        'A data-plane core is near its limit.',
        theCore + ' is at {{ $value | humanizePercentage }} of busy cycles or full polls.',
        telemetry, '2m'
      ),
      alert(
        'FourlaneCoreLatencyHigh', 'warning',
        'histogram_quantile(0.99, sum by (cluster, server, source, core, le) (rate(fourlane_core_packet_latency_seconds_bucket{%s}[5m]))) > %g' % [s, t.coreLatencySeconds],
        'Packets stay long in a data-plane core.',
        'The 99th percentile of packet latency of core {{ $labels.core }} of {{ $labels.source }} on ' + where + ' is {{ $value | humanizeDuration }}.',
        telemetry, '5m'
      ),
      alert(
        'FourlanePacketPoolLow', 'warning',
        'min by (cluster, server, source, pool) (fourlane_dpdk_mempool_available{%(s)s} / (fourlane_dpdk_mempool_size{%(s)s} > 0)) < 0.05' % { s: s },
        'A packet pool is nearly empty.',
        'Pool {{ $labels.pool }} of {{ $labels.source }} on ' + where + ' has {{ $value | humanizePercentage }} of its objects free.',
        telemetry, '1m', vars=['cluster', 'server']
      ),
      alert(
        'FourlaneSnatPortsLow', 'warning',
        |||
          sum by (cluster, server, source, local_address) (fourlane_snat_ports_used{%(s)s})
          / (sum by (cluster, server, source, local_address) (fourlane_snat_ports_used{%(s)s}) + sum by (cluster, server, source, local_address) (fourlane_snat_ports_free{%(s)s})) > %(t)g
        ||| % { s: s, t: t.snatPorts },
        'A local address runs out of SNAT ports.',
        '{{ $value | humanizePercentage }} of the ports of local address {{ $labels.local_address }} on ' + where + ' are in use.',
        'fourlane collect dpvs --json', '2m', vars=['cluster', 'server']
      ),
      alert(
        'FourlaneSnatPortsExhausted', 'critical',
        'sum by (cluster, server, source, local_address) (rate(fourlane_snat_port_misses_total{%s}[1m])) > 0' % s,
        'Connections fail because no SNAT port is free.',
        'Local address {{ $labels.local_address }} on ' + where + ' had no port for {{ $value | humanize }} connections per second.',
        'fourlane collect dpvs --json', '1m', vars=['cluster', 'server']
      ),
      alert(
        'FourlaneKernelBacklog', 'warning', 'sum by (cluster, server) (rate(fourlane_softnet_dropped_total{%s}[5m])) > 1' % s,
        'The kernel drops packets before it looks at them.',
        where + ' drops {{ $value | humanize }} packets per second because the backlog of a CPU is full.',
        'cat /proc/net/softnet_stat; sysctl net.core.netdev_max_backlog', '5m', vars=['cluster', 'server']
      ),
    ],
  }
