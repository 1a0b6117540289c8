/**
 * A root file system for a container, without an image: this machine's /usr read-only, everything else made for it and gone with
 * it. As shell text, since it has to be made inside the container's own mount namespace.
 */
import { dirname } from 'node:path';

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable?: boolean;
}

export interface RootOptions {
  /** An empty directory outside; the root is mounted on it inside the container's namespace only. */
  readonly at: string;
  readonly mounts: readonly Mount[];
  /** Text files by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** Of this machine's /etc: who is who, the linker's cache, alternatives of programs, certificates. */
const ETC = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache', 'alternatives', 'iproute2', 'ssl', 'protocols', 'services'];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** A word for the shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Shell lines that build the root at `at`, with /proc and /sys of the namespaces they run in. `switchRoot` makes it `/`. */
export function buildRoot({ at, mounts, files }: RootOptions): string[] {
  const inside = (path: string) => quoted(`${at}${path}`);
  const show = ({ from, to, writable = false }: Mount) => [
    `mkdir -p ${inside(dirname(to))}`,
    `if [ -d ${quoted(from)} ]; then mkdir -p ${inside(to)}; else : >>${inside(to)}; fi`,
    `mount --rbind ${quoted(from)} ${inside(to)}`,
    ...(writable ? [] : [`mount -o remount,bind,ro ${inside(to)}`]),
  ];
  return [
    `mount -t tmpfs -o mode=755 root ${quoted(at)}`,
    `cd ${quoted(at)}`,
    'mkdir -p etc var/lib var/log var/tmp run tmp proc sys dev root opt old',
    'chmod 1777 tmp var/tmp',
    'for link in bin sbin lib lib32 lib64; do if [ -L /$link ]; then ln -s "$(readlink /$link)" $link; fi; done',
    ...show({ from: '/usr', to: '/usr' }),
    `for name in ${ETC.join(' ')}; do if [ -e /etc/$name ]; then cp -rL /etc/$name etc/ 2>/dev/null || true; fi; done`,
    'mount -t proc proc proc',
    'mount -t sysfs sysfs sys',
    'mount -t tmpfs -o mode=755 dev dev',
    `for name in ${DEVICES.join(' ')}; do : >dev/$name; mount --bind /dev/$name dev/$name; done`,
    'mkdir dev/pts dev/shm dev/mqueue dev/hugepages',
    'ln -s pts/ptmx dev/ptmx',
    'ln -s /proc/self/fd dev/fd',
    'mount -t tmpfs -o mode=755 run run',
    ...mounts.flatMap(show),
    ...Object.entries(files).flatMap(([path, text]) => [
      `mkdir -p ${inside(dirname(path))}`,
      `printf %s ${quoted(text)} >${inside(path)}`,
    ]),
  ];
}

/** Shell lines that make the root built here `/`; what was `/` is gone. */
export const switchRoot: readonly string[] = ['pivot_root . old', 'cd /', 'umount -l /old', 'rmdir /old'];
