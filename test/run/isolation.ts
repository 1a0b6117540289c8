/** A system test sees a machine of its own: no port, namespace, process, file in /run or temporary file is another one's too. */

/**
 * The command that runs `argv` with its own network (lo is up), process ids, mounts, /run and TMPDIR. Whatever it starts ends
 * with it. Root only: without root the command is left as it is, and tests that need more say so.
 *
 * The shell is process 1 in there and takes over orphans; its session is a group of its own for the scheduler, which shares
 * fairly between groups.
 */
export function isolated(argv: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return argv;
  const prepare = [
    'mount -t tmpfs -o mode=755 run /run && mkdir /run/lock',
    // Of memory: etcd and others sync each change, for which they would wait for the disk of those beside them.
    'mount -t tmpfs -o mode=1777 tmp /dev/shm && export TMPDIR=/dev/shm',
    'mount -t sysfs sysfs /sys',
    'ip link set lo up',
    '"$@"; exit $?',
  ];
  const namespaces = ['--net', '--mount', '--ipc', '--pid', '--fork', '--mount-proc', '--kill-child'];
  return ['unshare', ...namespaces, 'sh', '-ec', prepare.join('\n'), 'sh', ...argv];
}
