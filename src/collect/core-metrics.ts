/** Families of the level "core" that several collectors export; `source` is `dpvs`, or the file prefix of a DPDK application. */
import { counter } from './metric.ts';

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

/** Values of the label `fill`. */
export const FILLS = ['empty', 'partial', 'full'] as const;
/** Values of the label `direction`. */
export const DIRECTIONS = ['in', 'out'] as const;
