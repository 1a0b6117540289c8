/** One agent for a state directory: two would take each other's memory of what is withdrawn, and act on one data plane. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FourlaneError } from '../model/errors.ts';
import { lockHolder } from '../sys/lock.ts';

/**
 * Holds `directory` until this process ends. Rejects with STATE_IN_USE when another agent has it. One that can't be written is
 * nobody's: that is logged where something is saved.
 */
export async function holdState(directory: string): Promise<void> {
  let holder: string | undefined;
  try {
    await mkdir(directory, { recursive: true });
    holder = await lockHolder(join(directory, 'lock'));
  } catch {
    return;
  }
  if (holder === undefined) return;
  const who = /^\d+$/.test(holder) ? `another agent (pid ${holder})` : 'another agent';
  const remedy = 'stop it, or give this one a stateDir and a data plane of its own';
  throw new FourlaneError('STATE_IN_USE', `stateDir ${directory}: ${who} runs with it; ${remedy}`);
}
