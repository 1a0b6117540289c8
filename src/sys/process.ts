/** Other processes, from /proc: by their number, or by their program. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { readProc } from './procfs.ts';

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** When it started, clock ticks after boot: with the pid it names the process for good. */
  readonly startTicks: number;
  /** Whose it is, by number. */
  readonly uid: number;
}

/** The process; undefined when there is none, or it has ended and nobody has asked how. */
export async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  const text = await readGone(`/proc/${pid}/stat`);
  // The name may have any bytes, also parentheses.
  const [state, parent, ...rest] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const startTicks = Number(rest[17]);
  if (parent === undefined || state === 'Z' || state === 'X' || !Number.isSafeInteger(startTicks)) return undefined;
  const uid = await ownerOf(pid);
  return uid === undefined ? undefined : { pid, parent: Number(parent), startTicks, uid };
}

/** Whose process it is, by number; undefined when it has gone. */
async function ownerOf(pid: number): Promise<number | undefined> {
  return (await stat(`/proc/${pid}`).catch(() => undefined))?.uid;
}

/** Whether what a user's process says is believed: root's, and our own. Anybody may name a program as he likes. */
export function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/**
 * When it started as Unix seconds; undefined when /proc/stat does not have when the machine did. `startTicks` are 1/100 s
 * (USER_HZ).
 */
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
    .filter((part) => part !== '')
    .map(Number);
}

/** A variable of the environment it was started with; undefined when it is not there or not ours to read. */
export async function environmentOf(pid: number, name: string): Promise<string | undefined> {
  const text = await readGone(`/proc/${pid}/environ`);
  return text
    ?.split('\0')
    .find((part) => part.startsWith(`${name}=`))
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
  return all.filter((each) => each.target !== '');
}

export interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Identity of its network namespace; '' when we may not know. */
  readonly network: string;
  /** Whose it is, by number. */
  readonly uid: number;
}

/** Those whose first argument is this program, with or without its directory, by pid. One that ends meanwhile is left out. */
export async function processesNamed(program: string): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(pids.map((pid) => runs(pid, program)));
  return found.filter((each) => each !== undefined).sort((a, b) => a.pid - b.pid);
}

/** The arguments and not /proc/PID/comm, since a program may give its threads other names. */
async function runs(pid: number, program: string): Promise<Process | undefined> {
  try {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    if (basename(argv[0] ?? '') !== program) return undefined;
    const uid = await ownerOf(pid);
    return uid === undefined ? undefined : { pid, argv, network: await networkOf(pid), uid };
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

/** A file of /proc; undefined when its process has gone, or it is not ours to read. */
async function readGone(path: string): Promise<string | undefined> {
  try {
    return await readProc(path);
  } catch (error) {
    if (/^(ESRCH|EACCES|EPERM)$/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
