/** Other processes, from /proc. */
import { readdir, readlink, stat } from 'node:fs/promises';
import { readProc } from './procfs.ts';

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** When it started, clock ticks after boot: with the pid it names the process for good. */
  readonly startTicks: number;
}

/** The process; undefined when there is none, or it has ended and nobody has asked how. */
export async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  const text = await readGone(`/proc/${pid}/stat`);
  // The name may have any bytes, also parentheses.
  const [state, parent, ...rest] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const startTicks = Number(rest[17]);
  if (parent === undefined || state === 'Z' || state === 'X' || !Number.isSafeInteger(startTicks)) return undefined;
  return { pid, parent: Number(parent), startTicks };
}

/** When it started as Unix seconds; undefined when /proc/stat does not tell when the machine did. `startTicks` are 1/100 s (USER_HZ). */
export async function startSeconds(startTicks: number): Promise<number | undefined> {
  const boot = /^btime (\d+)$/m.exec((await readGone('/proc/stat')) ?? '')?.[1];
  return boot === undefined ? undefined : Number(boot) + startTicks / 100;
}

/** Whether a signal of this number does the process no harm: it handles, ignores or blocks it. False also when it is gone. */
export async function survives(pid: number, signal: number): Promise<boolean> {
  const status = (await readGone(`/proc/${pid}/status`)) ?? '';
  const bit = 1n << BigInt(signal - 1);
  return ['SigBlk', 'SigCgt', 'SigIgn'].some((mask) => has(status, mask, bit));
}

/** Whether the process waits for a signal of this number: it handles it, or blocks it and takes it from a descriptor. */
export async function listensFor(pid: number, signal: number): Promise<boolean> {
  const status = (await readGone(`/proc/${pid}/status`)) ?? '';
  const bit = 1n << BigInt(signal - 1);
  return (has(status, 'SigBlk', bit) || has(status, 'SigCgt', bit)) && !has(status, 'SigIgn', bit);
}

/** Sends a signal; throws when it can't: the process has ended, or is not ours to signal. */
export function sendSignal(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') throw new Error(`process ${pid} has just ended`, { cause: error });
    throw new Error(`may not signal process ${pid} (${code}): run fourlane as root or with CAP_KILL`, { cause: error });
  }
}

function has(status: string, mask: string, bit: bigint): boolean {
  const hex = new RegExp(`^${mask}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return hex !== undefined && (BigInt(`0x${hex}`) & bit) !== 0n;
}

/** Its children; undefined when the kernel does not list them. */
export async function childrenOf(pid: number): Promise<readonly number[] | undefined> {
  const text = await readGone(`/proc/${pid}/task/${pid}/children`);
  return text
    ?.split(' ')
    .filter((s) => s !== '')
    .map(Number);
}

/** A variable of the environment it was started with; undefined when it is not there or not ours to read. */
export async function environmentOf(pid: number, name: string): Promise<string | undefined> {
  const text = await readGone(`/proc/${pid}/environ`);
  return text
    ?.split('\0')
    .find((s) => s.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

/** An open descriptor, as a path that leads to what it has open, and the link's text. */
export interface Descriptor {
  readonly path: string;
  readonly target: string;
}

/** Its open descriptors; none when it is gone or not ours to look into. */
export async function descriptorsOf(pid: number): Promise<readonly Descriptor[]> {
  const directory = `/proc/${pid}/fd`;
  const names = await readdir(directory).catch(() => []);
  const all = await Promise.all(
    names.map(async (name) => ({ path: `${directory}/${name}`, target: await readlink(`${directory}/${name}`).catch(() => '') })),
  );
  return all.filter((d) => d.target !== '');
}

/** Which content a file has: differs after each writing. Undefined when there is none; rejects when it can't be looked at. */
export interface FileVersion {
  readonly bytes: number;
  /** ms of the wall clock. */
  readonly modified: number;
  readonly key: string;
}

export async function fileVersion(path: string): Promise<FileVersion | undefined> {
  try {
    const s = await stat(path, { bigint: true });
    return { bytes: Number(s.size), modified: Number(s.mtimeNs) / 1e6, key: `${s.ino} ${s.size} ${s.mtimeNs}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** A file of /proc; undefined when its process has gone, or it is not ours to read. */
async function readGone(path: string): Promise<string | undefined> {
  try {
    return await readProc(path);
  } catch (error) {
    if (/^(ESRCH|EACCES|EPERM)$/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
