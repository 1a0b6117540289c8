/** A system test sees a machine of its own: no port, namespace, process or file in /run is shared with the one beside it. */

/**
 * The command that runs `argv` with its own network (lo is up), process ids, mounts and /run. Whatever it starts ends with it.
 * Root only: without root the command is left as it is, and tests that need more say so.
 *
 * The shell is process 1 in there and takes over orphans; its session is a group of its own for the scheduler, which shares
 * fairly between groups.
 */
export function isolated(argv: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return argv;
  const prepare = [
    'mount -t tmpfs -o mode=755 run /run && mkdir /run/lock',
    'mount -t sysfs sysfs /sys',
    'ip link set lo up',
    '"$@"; exit $?',
  ];
  const namespaces = ['--net', '--mount', '--ipc', '--pid', '--fork', '--mount-proc', '--kill-child'];
  return ['unshare', ...namespaces, 'sh', '-ec', prepare.join('\n'), 'sh', ...argv];
}
