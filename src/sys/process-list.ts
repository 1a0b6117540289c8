/** Processes of this machine by their program, from /proc. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

export interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Identity of its network namespace; '' when we may not know. */
  readonly network: string;
}

/** Those whose first argument is this program, with or without its directory, by pid. One that ends meanwhile is left out. */
export async function processesNamed(program: string): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(pids.map((pid) => describe(pid, program)));
  return found.filter((p) => p !== undefined).sort((a, b) => a.pid - b.pid);
}

/** The arguments and not /proc/PID/comm, since a program may give its threads other names. */
async function describe(pid: number, program: string): Promise<Process | undefined> {
  try {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    return basename(argv[0] ?? '') === program ? { pid, argv, network: await networkOf(pid) } : undefined;
  } catch {
    return undefined; // it has just ended
  }
}

/** Identity of a process's network namespace; '' when we may not know. */
export async function networkOf(pid: number | 'self'): Promise<string> {
  try {
    return await readlink(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}
