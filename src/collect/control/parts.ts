/** The parts of the collector `control`. A new one is one file here and one line in this list. */
import { kernelEnd } from './kernel-end.ts';
import { numa } from './numa.ts';
import type { Part } from './part.ts';
import { sockets } from './sockets.ts';
import { steering } from './steering.ts';

export const PARTS: readonly Part<unknown>[] = [steering, kernelEnd, sockets, numa];
