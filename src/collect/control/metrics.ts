/** Families of the collector `control` alone. */
import { gauge, type Metric } from '../../model/family.ts';
import { CONTROL_SHARED } from '../control-metrics.ts';

export const PART_STATE = gauge(
  'control_part_state',
  'Outcome of the last reading of a part of the collector control: 1 for the present state (data, absent, failed).',
  ['part', 'state'],
);
export const QUEUE_SHARE = gauge(
  'nic_rss_queue_share_ratio',
  "Share of the NIC's RSS table that points to the receive queue; 0: only rules lead there.",
  ['nic', 'queue'],
);
export const STEERING_RULES = gauge(
  'nic_steering_rules',
  'Rules of the NIC (ntuple, Flow Director) by the receive queue they lead to; drop: they drop.',
  ['nic', 'queue'],
);
export const NUMA_NODE = gauge('nic_numa_node', 'NUMA node that the NIC is attached to; none on a machine without.', ['nic']);

export const CONTROL_METRICS: readonly Metric[] = [...CONTROL_SHARED, PART_STATE, QUEUE_SHARE, STEERING_RULES, NUMA_NODE];
