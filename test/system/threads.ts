/** Threads of a process, as the kernel shows them. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Thread {
  /** At most 15 characters. */
  readonly name: string;
  readonly nice: number;
}

export function threadsOf(pid: number): Thread[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      const [, name = '', rest = ''] = /\((.*)\) (.*)/.exec(readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8')) ?? [];
      return [{ name, nice: Number(rest.split(' ')[16]) }];
    } catch {
      return []; // it has just ended
    }
  });
}

/** Nice values of the threads with this name, of which the kernel keeps a part. */
export function niceOf(pid: number, name: string): number[] {
  return threadsOf(pid).flatMap((thread) => (thread.name.includes(name.slice(0, 15)) ? [thread.nice] : []));
}
