/** Processes of this machine, from /proc. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Identity of its network namespace; '' when we may not know. */
  readonly network: string;
}

/** Those with this name (15 characters, as in /proc/PID/comm), by pid. One that ends meanwhile is left out. */
export async function processesNamed(name: string): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(pids.map((pid) => describe(pid, name)));
  return found.filter((p) => p !== undefined).sort((a, b) => a.pid - b.pid);
}

async function describe(pid: number, name: string): Promise<Process | undefined> {
  try {
    if ((await readFile(`/proc/${pid}/comm`, 'utf8')).trimEnd() !== name) return undefined;
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    return { pid, argv, network: await networkOf(pid) };
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
