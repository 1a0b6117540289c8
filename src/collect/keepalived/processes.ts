/** The processes of keepalived: a parent and its children, each named by a pid file. */
import { fileVersion, readIfExists } from '../../sys/files.ts';
import { childrenOf, descriptorsOf, isTrusted, type ProcessInfo, readProcess } from '../../sys/process.ts';

export const ROLES = ['parent', 'vrrp', 'checker'] as const;
export type Role = (typeof ROLES)[number];
export type PidFiles = Readonly<Record<Role, string>>;

/** A pid file, and the process it names if that is one of keepalived's. */
export interface Found {
  readonly present: boolean;
  readonly process?: ProcessInfo;
  /** Why there is no process. */
  readonly problem?: string;
}

export interface Processes extends Readonly<Record<Role, Found>> {
  /** The parent and all its children; 0 = keepalived does not run. */
  readonly number: number;
}

/** Reads the pid files and looks after the processes. Rejects with FileError when a pid file can't be read. */
export async function findProcesses(files: PidFiles): Promise<Processes> {
  const parent = await find('pidFile', files.parent);
  const pid = parent.process?.pid;
  const [vrrp, checker, children] = await Promise.all([
    find('vrrpPidFile', files.vrrp, pid),
    find('checkersPidFile', files.checker, pid),
    pid === undefined ? [] : childrenOf(pid),
  ]);
  const known = [vrrp, checker].filter((f) => f.process !== undefined).length;
  return { parent, vrrp, checker, number: pid === undefined ? 0 : 1 + (children?.length ?? known) };
}

/** @param parent what the process must be a child of, so that a stale pid file never leads to somebody else's process */
async function find(setting: string, file: string, parent?: number): Promise<Found> {
  const text = (await readIfExists(file, 64))?.toString('latin1').trim();
  if (text === undefined) {
    return { present: false, problem: `there is no pid file ${file}; name it with collectors.keepalived.${setting}` };
  }
  const pid = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  if (pid === undefined) {
    return { present: true, problem: `${file} holds ${JSON.stringify(text)}; expected the number of a process` };
  }
  const process = await readProcess(pid);
  if (process === undefined) return { present: true, problem: `${file} names process ${pid}, which does not run` };
  if (!isTrusted(process.uid)) {
    return { present: true, problem: `${file} names process ${pid} of uid ${process.uid}; keepalived runs as root` };
  }
  if (setting !== 'pidFile' && process.parent !== parent) {
    return { present: true, problem: `${file} names process ${pid}, which is no child of keepalived` };
  }
  return { present: true, process };
}

/** Names a process for good, also when its number is used again. */
export function identity({ pid, startTicks }: ProcessInfo): string {
  return `${pid}:${startTicks}`;
}

/** When the process loaded its configuration, Unix seconds; undefined when that is not known. */
export async function configLoaded(parent: ProcessInfo): Promise<number | undefined> {
  // The parent keeps the whole configuration in a memory file, written again at each load (lib/parser.c).
  const config = (await descriptorsOf(parent.pid)).find((d) =>
    d.target.startsWith('/memfd:/keepalived/consolidated_configuration'),
  );
  const version = config === undefined ? undefined : await fileVersion(config.path);
  return version === undefined ? undefined : version.modified / 1000;
}
