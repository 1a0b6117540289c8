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

/** What a program has used until `at`, in the units of `Pause`. */
export type Used = Omit<Pause, 'ms'>;

/** What a program did not run for between two looks; undefined when it came to the second one nearly on time. */
export function pauseBetween(before: Used, after: Used): Pause | undefined {
  const ms = after.at - before.at - LOOK_MS;
  if (ms < SHORTEST_MS) return undefined;
  const { computed, waited, pagesRead } = after;
  return {
    at: before.at,
    ms,
    computed: computed - before.computed,
    waited: waited - before.waited,
    pagesRead: pagesRead - before.pagesRead,
  };
}

function used(): Used {
  const { userCPUTime, systemCPUTime, majorPageFault } = process.resourceUsage();
  return { at: now(), computed: (userCPUTime + systemCPUTime) / 1000, waited: waitedFor(), pagesRead: majorPageFault };
}

/** ms that the main thread has waited for a CPU; NaN from a kernel that does not count it (CONFIG_SCHED_INFO). */
function waitedFor(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Begins to watch; what it returns has the pauses so far. */
export function watchPauses(): () => readonly Pause[] {
  const pauses: Pause[] = [];
  let last = used();
  setInterval(() => {
    const is = used();
    const pause = pauseBetween(last, is);
    if (pause !== undefined) pauses.push(pause);
    if (pauses.length > KEEP) pauses.shift();
    last = is;
  }, LOOK_MS).unref();
  return () => pauses;
}

/** A pause as words, its beginning in s after `since` (ms): `1.20 s: client did not run for 420 ms (3 ms computed, …)`. */
export function tellPause(program: string, { at, ms, computed, waited, pagesRead }: Pause, since: number): string {
  const parts = [
    `${Math.round(computed)} ms computed`,
    // JSON has null for what is not known.
    ...(Number.isFinite(waited) ? [`${Math.round(waited)} ms without a CPU`] : []),
    ...(pagesRead === 0 ? [] : [`${pagesRead} pages read from a disk`]),
  ];
  return `${((at - since) / 1000).toFixed(2)} s: ${program} did not run for ${Math.round(ms)} ms (${parts.join(', ')})`;
}
