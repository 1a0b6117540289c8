/** Routing daemons that are read. A new one is one folder here and one line in this list. */
import { bird } from './bird/reader.ts';
import type { Driver } from './driver.ts';
import { frr } from './frr/reader.ts';

export const drivers: readonly Driver[] = [frr, bird];
