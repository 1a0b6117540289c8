/** The program, as the lab starts it. */
import { fileURLToPath } from 'node:url';

/** Its path: an argument of Node. */
export const PROGRAM = fileURLToPath(new URL('../cli/fourlane.mjs', import.meta.url));
