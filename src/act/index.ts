/** The actuators. A new one is one file here and one line in this list. */
import type { Actuator } from './actuator.ts';
import { exec } from './exec.ts';
import { none } from './none.ts';
import { trackFile } from './trackFile.ts';
import { webhook } from './webhook.ts';

export const actuators: readonly Actuator[] = [none, exec, trackFile, webhook];
