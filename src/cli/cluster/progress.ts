/** What is shown while a command waits for the servers: one line that is written over itself. */
import { type Barrier, barrierText } from '../../cluster/barrier/barrier.ts';

const WIDTH = 20;

/** `[##########··········] applied by 25 of 50; 25 pending: lb-1, …`; excused servers are not waited for. */
export function progressLine(barrier: Barrier, verb = 'applied'): string {
  const { counts, expected } = barrier;
  const awaited = expected - counts.excused;
  const done = awaited === 0 ? WIDTH : Math.floor((counts.done / awaited) * WIDTH);
  return `[${'#'.repeat(done)}${'·'.repeat(WIDTH - done)}] ${barrierText(barrier, verb)}`;
}
