/** The cgroup of this process in the second version of cgroups. */
import { closeSync, openSync } from 'node:fs';
import { readProc } from './procfs.ts';

const escaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/**
 * @param cgroup /proc/self/cgroup
 * @param mounts /proc/self/mountinfo
 * @returns its directory under each mount that has it; one may be hidden by a later mount. Empty without cgroup v2
 */
export function cgroupDirectories(cgroup: string, mounts: string): readonly string[] {
  const path = /^0::(\/.*?)(?: \(deleted\))?$/m.exec(cgroup)?.[1];
  if (path === undefined) return [];
  return mounts.split('\n').flatMap((line) => {
    const [mount, after = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = mount!.split(' ').map(escaped);
    if (!after.startsWith('cgroup2 ')) return [];
    if (path === root) return [point];
    const below = root === '/' ? root : `${root}/`;
    return path.startsWith(below) ? [`${point}/${path.slice(below.length)}`] : [];
  });
}

/**
 * Calls `use` with a descriptor of its directory, which is open for as long as that takes. It is closed as it was opened: a
 * thread of Node closes at its end what it has opened and not closed so, by number, and that number may be another's by then.
 *
 * @returns what `use` returns, or why there is no such directory
 */
export async function inOwnCgroup(use: (directory: number) => number): Promise<number | string> {
  const [cgroup, mounts] = await Promise.all([readProc('/proc/self/cgroup'), readProc('/proc/self/mountinfo')]);
  let reason = 'no mount of it has this process';
  for (const directory of cgroupDirectories(cgroup ?? '', mounts ?? '')) {
    let fd: number;
    try {
      fd = openSync(directory, 'r');
    } catch (error) {
      reason = `${directory}: ${(error as NodeJS.ErrnoException).code}`;
      continue;
    }
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  }
  return reason;
}
