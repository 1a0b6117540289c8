/** Families about the way of control traffic that several collectors export. */
import { counter, gauge, type Metric } from '../model/family.ts';

/**
 * `isolated`: a queue of its own; `partly`: some of it; `steered`: rules lead to a queue that takes other traffic too;
 * `shared`: no
 * rules; `one_queue`: the NIC has no other; `unknown`: neither queues nor rules can be read.
 */
export const CONTROL_STATES = ['isolated', 'partly', 'steered', 'shared', 'one_queue', 'unknown'] as const;
export type ControlState = (typeof CONTROL_STATES)[number];

export const CONTROL_PATH_STATE = gauge(
  'control_path_state',
  'Whether control traffic (BGP, BFD) that comes by the NIC has a receive queue of its own: 1 for the present state.',
  ['source', 'nic', 'state'],
);
export const CONTROL_PATH_DROPPED = counter(
  'control_path_dropped_total',
  'Packets dropped on the way between a NIC and the programs that need control traffic, by stage and place: kni_core and ' +
    "isolated_core (a core of DPVS), kni_up and kni_down (the kernel's end of a DPDK port), socket (UDP port of BFD).",
  ['source', 'stage', 'place'],
);

/** By `what`: cores that poll its queues, interrupts of its queues, memory. */
export const NUMA_MISPLACED = gauge(
  'numa_misplaced',
  'What serves the NIC from another NUMA node than its own: cores, interrupts (numbers of them), memory (1: its node has none).',
  ['source', 'nic', 'what'],
);

export const CONTROL_SHARED: readonly Metric[] = [CONTROL_PATH_STATE, CONTROL_PATH_DROPPED, NUMA_MISPLACED];
