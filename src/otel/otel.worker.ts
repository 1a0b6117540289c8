/**
 * Entry of the thread that exports to an OpenTelemetry collector. It runs while the configuration wants it; its memory is limited
 * by whoever starts it.
 */
import { constants, setPriority } from 'node:os';
import { saveCompiled } from '../sys/compiled.mjs';

// 0 is the calling thread on Linux. Before the SDK, whose loading is a second of work: lanes and judge go first.
setPriority(0, constants.priority.PRIORITY_LOW);
await import('./sdk.ts');
saveCompiled();
