/**
 * When a program of the lab did not run although it should: what clients miss then is the machine's doing, not that of the fault
 * that was made.
 */
import { readFileSync } from 'node:fs';
import { now } from './control.ts';

/** One pause of a program's event loop. */
export interface Pause {
  /** When it began, ms of `now()`. */
  readonly at: number;
  readonly ms: number;
  /** Of it, ms that the program computed, in all threads. */
  readonly computed: number;
  /** Of it, ms that its main thread could have run and had no CPU. The rest it waited in the kernel. */
  readonly waited: number;
  /** Pages that had to be read from a disk. */
  readonly pagesRead: number;
}

const LOOK_MS = 50;
const SHORTEST_MS = 100;
const KEEP = 1000;

function used(): { at: number; computed: number; waited: number; pagesRead: number } {
  const { userCPUTime, systemCPUTime, majorPageFault } = process.resourceUsage();
  const waited = Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  return { at: now(), computed: (userCPUTime + systemCPUTime) / 1000, waited, pagesRead: majorPageFault };
}

/** Begins to watch; what it returns has the pauses so far. */
export function watchPauses(): () => readonly Pause[] {
  const pauses: Pause[] = [];
  let last = used();
  setInterval(() => {
    const is = used();
    const ms = is.at - last.at - LOOK_MS;
    if (ms >= SHORTEST_MS) {
      pauses.push({
        at: last.at,
        ms,
        computed: is.computed - last.computed,
        waited: is.waited - last.waited,
        pagesRead: is.pagesRead - last.pagesRead,
      });
      if (pauses.length > KEEP) pauses.shift();
    }
    last = is;
  }, LOOK_MS).unref();
  return () => pauses;
}

/** A pause as words, its beginning in s after `since` (ms): `1.20 s: client did not run for 420 ms (3 ms computed, …)`. */
export function tellPause(program: string, { at, ms, computed, waited, pagesRead }: Pause, since: number): string {
  const read = pagesRead === 0 ? '' : `, ${pagesRead} pages read from a disk`;
  const of = `${Math.round(computed)} ms computed, ${Math.round(waited)} ms without a CPU${read}`;
  return `${((at - since) / 1000).toFixed(2)} s: ${program} did not run for ${Math.round(ms)} ms (${of})`;
}
