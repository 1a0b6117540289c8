/** The collectors. A new one is one file here and one line in this list. */
import type { Collector } from './collector.ts';
import { ipvs } from './ipvs.ts';

export const collectors: readonly Collector[] = [ipvs];
