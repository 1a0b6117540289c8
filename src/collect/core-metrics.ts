/** Families of the level "core" that several collectors export; `source` is `dpvs`, or the file prefix of a DPDK application. */
import { counter, gauge, histogram } from '../model/family.ts';

const CORE = ['source', 'core'];

export const CORE_LOOPS = counter('core_loops_total', 'Passes of the main loop of a data-plane core.', CORE);
export const CORE_POLLS = counter(
  'core_polls_total',
  'Receive polls of a data-plane core by what they brought: nothing, some packets, a full burst.',
  [...CORE, 'fill'],
);
export const CORE_PACKETS = counter('core_packets_total', 'Packets received and sent by a data-plane core.', [
  ...CORE,
  'direction',
]);
export const CORE_BYTES = counter('core_bytes_total', 'Bytes received and sent by a data-plane core.', [...CORE, 'direction']);
export const CORE_DROPPED = counter('core_dropped_total', 'Packets dropped by the software of a data-plane core.', CORE);

export const CORE_CYCLES = counter(
  'core_cycles_total',
  'Cycles of a data-plane core in passes of its loop that had work (busy) and that had none (idle).',
  [...CORE, 'state'],
);
export const CORE_LOOP_MAX = gauge(
  'core_loop_max_seconds',
  'Longest pass of the main loop of a data-plane core since it started.',
  CORE,
);
export const CORE_STALLED = gauge(
  'core_stalled',
  'Whether the main loop of a data-plane core stood still between the last two readings.',
  CORE,
);
export const CORE_LATENCY = histogram(
  'core_packet_latency_seconds',
  'Time from receiving a packet until it is sent, by data-plane core.',
  CORE,
);
