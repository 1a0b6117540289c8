/** Cores and ports of the data plane; the log queue. */
import { type AlertCase, flag, KEEP, type Series } from '../timeline.ts';

const CORE = 'source="dpvs", core="2"';
const core = { source: 'dpvs', core: '2' };
const bucket = (le: string, good: number, bad: number, below: number): Series => ({
  series: `fourlane_core_packet_latency_seconds_bucket{${CORE}, le="${le}"}`,
  good: { grows: good },
  bad: { grows: bad },
  below: { grows: below },
});
const RATE = 60;

export const coreCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneCoreStalled',
    severity: 'critical',
    labels: core,
    series: [flag(`fourlane_core_stalled{${CORE}}`)],
    firesAfter: 10,
    resolvesAfter: KEEP,
  },
  {
    alert: 'FourlaneDataPlaneGone',
    severity: 'critical',
    labels: { source: 'dpvs' },
    series: [{ series: 'fourlane_dpdk_up{source="dpvs"}', good: 1, bad: 0, below: 1 }],
    firesAfter: 30,
    resolvesAfter: KEEP,
  },
  {
    // The only process is ended: its series goes, the collector finds nothing.
    alert: 'FourlaneDataPlaneGone',
    severity: 'critical',
    labels: { source: 'dpvs' },
    series: [
      { series: 'fourlane_dpdk_up{source="dpvs"}', good: 1, bad: null, below: 1 },
      { series: 'fourlane_collector_state{collector="dpdk", state="absent"}', good: 0, bad: 1, below: 0 },
    ],
    firesAfter: 30,
    resolvesAfter: 120,
  },
  {
    alert: 'FourlanePacketsLost',
    severity: 'critical',
    labels: { source: 'dpvs', port: 'dpdk0' },
    series: [
      {
        series: 'fourlane_dpdk_port_missed_total{source="dpvs", port="dpdk0"}',
        good: 0,
        bad: { grows: 200 },
        below: { grows: 90 },
      },
      { series: 'fourlane_dpdk_port_no_mbuf_total{source="dpvs", port="dpdk0"}', good: 0, bad: 0 },
      {
        series: 'fourlane_dpdk_port_packets_total{source="dpvs", port="dpdk0", direction="in"}',
        good: { grows: 1_000_000 },
        bad: { grows: 1_000_000 },
      },
    ],
    quietFor: 60,
    firesAfter: 60 + RATE,
    resolvesAfter: RATE,
  },
  {
    alert: 'FourlanePacketsLost',
    severity: 'critical',
    labels: { source: 'dpvs', port: 'dpdk0' },
    series: [
      { series: 'fourlane_dpvs_port_missed_total{port="dpdk0"}', good: 0, bad: { grows: 200 }, below: { grows: 90 } },
      { series: 'fourlane_dpvs_port_no_mbuf_total{port="dpdk0"}', good: 0, bad: 0 },
      { series: 'fourlane_dpvs_port_packets_total{port="dpdk0", direction="in"}', good: { grows: 1e6 }, bad: { grows: 1e6 } },
      // The same port by its name in DPDK: one page.
      {
        series: 'fourlane_dpdk_port_missed_total{source="rte", port="0000:3b:00.0"}',
        good: 0,
        bad: { grows: 200 },
        below: { grows: 90 },
      },
      { series: 'fourlane_dpdk_port_no_mbuf_total{source="rte", port="0000:3b:00.0"}', good: 0, bad: 0 },
      {
        series: 'fourlane_dpdk_port_packets_total{source="rte", port="0000:3b:00.0", direction="in"}',
        good: { grows: 1e6 },
        bad: { grows: 1e6 },
      },
      { series: 'fourlane_dpvs_info{version="v1.10-2", messages="m"}', good: 1, bad: 1 },
    ],
    quietFor: 60,
    firesAfter: 60 + RATE,
    resolvesAfter: RATE,
  },
  {
    alert: 'FourlaneCoreSaturated',
    severity: 'warning',
    labels: core,
    series: [
      {
        series: `fourlane_core_cycles_total{${CORE}, state="busy"}`,
        good: { grows: 50 },
        bad: { grows: 95 },
        below: { grows: 89 },
      },
      {
        series: `fourlane_core_cycles_total{${CORE}, state="idle"}`,
        good: { grows: 50 },
        bad: { grows: 5 },
        below: { grows: 11 },
      },
      {
        series: `fourlane_core_polls_total{${CORE}, fill="full"}`,
        good: { grows: 10 },
        bad: { grows: 10 },
        below: { grows: 49 },
      },
      {
        series: `fourlane_core_polls_total{${CORE}, fill="empty"}`,
        good: { grows: 50 },
        bad: { grows: 50 },
        below: { grows: 51 },
      },
    ],
    quietFor: 120,
    firesAfter: 120 + RATE,
    resolvesAfter: RATE,
  },
  {
    alert: 'FourlaneCoreLatencyHigh',
    severity: 'warning',
    labels: core,
    series: [
      bucket('0.0001', 1000, 500, 985),
      bucket('0.0002', 1000, 600, 995),
      bucket('0.001', 1000, 1000, 1000),
      bucket('+Inf', 1000, 1000, 1000),
    ],
    quietFor: 300,
    firesAfter: 330,
    resolvesAfter: 330,
  },
  {
    alert: 'FourlanePacketPoolLow',
    severity: 'warning',
    labels: { source: 'dpvs', pool: 'mbuf_pool_0' },
    series: [
      { series: 'fourlane_dpdk_mempool_available{source="dpvs", pool="mbuf_pool_0"}', good: 900, bad: 40, below: 60 },
      { series: 'fourlane_dpdk_mempool_size{source="dpvs", pool="mbuf_pool_0"}', good: 1000, bad: 1000 },
    ],
    firesAfter: 60,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneSnatPortsLow',
    severity: 'warning',
    labels: { source: 'dpvs', local_address: '10.0.0.9' },
    series: [
      { series: 'fourlane_snat_ports_used{source="dpvs", port="dpdk0", local_address="10.0.0.9"}', good: 10, bad: 86, below: 84 },
      { series: 'fourlane_snat_ports_free{source="dpvs", port="dpdk0", local_address="10.0.0.9"}', good: 90, bad: 14, below: 16 },
    ],
    firesAfter: 120,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneSnatPortsExhausted',
    severity: 'critical',
    labels: { source: 'dpvs', local_address: '10.0.0.9' },
    series: [
      {
        series: 'fourlane_snat_port_misses_total{source="dpvs", port="dpdk0", local_address="10.0.0.9"}',
        good: 0,
        bad: { grows: 5 },
        below: 0,
      },
    ],
    firesAfter: 65,
    resolvesAfter: RATE,
  },
  {
    alert: 'FourlaneCoreShareUneven',
    severity: 'warning',
    labels: { source: 'dpvs', core: '1' },
    series: [
      // 45 000 packets per second, then 60 000 of 90 000 on three cores: exactly twice the average is not more.
      {
        series: 'fourlane_core_packets_total{source="dpvs", core="1", direction="in"}',
        good: { grows: 225_000 },
        bad: { grows: 600_000 },
        below: { grows: 300_000 },
      },
      {
        series: 'fourlane_core_packets_total{source="dpvs", core="2", direction="in"}',
        good: { grows: 225_000 },
        bad: { grows: 75_000 },
      },
      {
        series: 'fourlane_core_packets_total{source="dpvs", core="3", direction="in"}',
        good: { grows: 225_000 },
        bad: { grows: 75_000 },
      },
      // A core without traffic of the kind, such as the master, counts for nothing.
      { series: 'fourlane_core_packets_total{source="dpvs", core="0", direction="in"}', good: 0, bad: 0 },
    ],
    quietFor: 900,
    firesAfter: 1200,
    resolvesAfter: 300,
    step: 5,
  },
  {
    alert: 'FourlaneKernelBacklog',
    severity: 'warning',
    series: [{ series: 'fourlane_softnet_dropped_total{core="0"}', good: 0, bad: { grows: 50 }, below: { grows: 4 } }],
    quietFor: 300,
    firesAfter: 390,
    resolvesAfter: 300,
  },
];

export const logCases: readonly AlertCase[] = [
  {
    alert: 'FourlaneLogQueueBacklog',
    severity: 'warning',
    labels: { source: 'dpvs', queue: 'log_ring_w1' },
    series: [
      { series: 'fourlane_log_queue_depth{source="dpvs", queue="log_ring_w1"}', good: 10, bad: 720, below: 690 },
      { series: 'fourlane_log_queue_capacity{source="dpvs", queue="log_ring_w1"}', good: 1000, bad: 1000 },
    ],
    firesAfter: 30,
    resolvesAfter: 0,
  },
  {
    alert: 'FourlaneLogLinesDropped',
    severity: 'warning',
    labels: { source: 'dpvs' },
    series: [
      {
        series: 'fourlane_log_queue_dropped_total{source="dpvs", core="2", reason="full"}',
        good: 0,
        bad: { grows: 1 },
        below: 0,
      },
      { series: 'fourlane_log_slow_mode{source="dpvs"}', good: 0, bad: 0, below: 0 },
    ],
    firesAfter: 5,
    resolvesAfter: RATE,
  },
  {
    alert: 'FourlaneOwnLogDropped',
    severity: 'warning',
    series: [{ series: 'fourlane_log_dropped_total', good: 0, bad: { grows: 1 }, below: 0 }],
    firesAfter: 5,
    resolvesAfter: 600,
  },
];
