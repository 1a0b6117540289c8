/**
 * Memory that a thread's start took and no longer needs. V8 collects an old generation when it has grown to a share of its limit,
 * which a thread that idles with a limit of hundreds of MB never reaches.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** V8 throws code away that has not run during six collections. Flags that do it at once are those of all threads. */
const COLLECTIONS = 8;
const APART_MS = 500;

/** Begins after `ms`: collects all garbage of the calling thread several times, and with the last its unused code is gone too. */
export function giveBackAfter(ms: number, collections = COLLECTIONS): void {
  setTimeout(() => {
    giveBack();
    if (collections > 1) giveBackAfter(APART_MS, collections - 1);
  }, ms).unref();
}

/** Collects all garbage of the calling thread and gives its pages back: it is held for some 20 ms. */
function giveBack(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
