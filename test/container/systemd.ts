/** A real systemd as process 1 of a container, with journald and the units it is given. Needs root. */
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { until } from '../system/harness.ts';
import { Container, emptyDirectory } from './container.ts';
import { buildRoot, type Mount, quoted, switchRoot } from './root.ts';

const UNITS = '/run/units';
/** Targets that services name without saying so; what a whole distribution hangs on them is not here. */
const TARGETS = ['basic', 'sysinit', 'shutdown', 'umount', 'final', 'multi-user', 'network-online', 'sockets'];
const JOURNALD = ['systemd-journald.service', 'systemd-journald.socket', 'systemd-journald-dev-log.socket'];
const FIRST =
  '[Unit]\nDefaultDependencies=no\nRequires=basic.target\nWants=systemd-journald.service systemd-journald-dev-log.socket\n';
const LIMIT_MS = 20_000;

/**
 * Shell lines of process 1. Its control group in the unified hierarchy is the whole hierarchy to it: nothing outside is seen or
 * touched.
 */
function script(at: string, group: string, mounts: readonly Mount[], files: Readonly<Record<string, string>>): string[] {
  const targets = Object.fromEntries(TARGETS.map((name) => [`${UNITS}/${name}.target`, '[Unit]\nDefaultDependencies=no\n']));
  const journald = JOURNALD.map((name) => ({ from: `/lib/systemd/system/${name}`, to: `${UNITS}/${name}` }));
  const environment = `env -i container=fourlane PATH=/usr/sbin:/usr/bin SYSTEMD_UNIT_PATH=${UNITS} SYSTEMD_LOG_TARGET=console`;
  const inGroup = [
    'mount -t cgroup2 cgroup2 sys/fs/cgroup',
    ...switchRoot,
    `exec ${environment} /lib/systemd/systemd --system --unit=default.target --show-status=0`,
  ];
  return [
    ...buildRoot({
      at,
      mounts: [...mounts, ...journald],
      files: { ...targets, [`${UNITS}/default.target`]: FIRST, '/etc/machine-id': `${'f0'.repeat(16)}\n`, ...files },
    }),
    'mount -t cgroup2 cgroup2 sys/fs/cgroup',
    `group=sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/${group}`,
    'mkdir $group && echo 0 >$group/cgroup.procs',
    'umount sys/fs/cgroup',
    'ip link set lo up',
    `exec unshare --cgroup sh -ec ${quoted(inGroup.join('\n'))}`,
  ];
}

export class Systemd extends Container {
  readonly #group: string;

  private constructor(mounts: readonly Mount[], files: Readonly<Record<string, string>>) {
    const at = emptyDirectory();
    const group = basename(at);
    super(at, script(at, group, mounts, files));
    this.#group = group;
  }

  /** Starts it; resolves when it is up. `files`: text by path, units among them. */
  static async start(mounts: readonly Mount[], files: Readonly<Record<string, string>>): Promise<Systemd> {
    const made = new Systemd(mounts, files);
    try {
      await until('systemd is up', LIMIT_MS, () => {
        if (made.ended !== undefined) throw new Error(made.output);
        return made.pid !== undefined && made.run('systemctl', 'is-system-running').output.trim() === 'running';
      });
    } catch (error) {
      await made.kill();
      throw new Error(`${(error as Error).message}\n${made.output}`, { cause: error });
    }
    return made;
  }

  /** The path under which a unit has to be put. */
  static unit(name: string): string {
    return `${UNITS}/${name}`;
  }

  /** A property of a unit. */
  show(unit: string, property: string): string {
    return this.must('systemctl', 'show', unit, '--value', '--property', property);
  }

  /** Ends everything inside at once, and removes its control group. */
  override async kill(): Promise<void> {
    await super.kill();
    const mine = `find /sys/fs/cgroup -depth -type d -path '*/${this.#group}*'`;
    const sweep = `mount -t cgroup2 cgroup2 /sys/fs/cgroup; ${mine} -exec rmdir {} + || true; ${mine}`;
    // The last processes may still be on their way out.
    await until('its control group is gone', LIMIT_MS, () => {
      const { status, stdout } = spawnSync('unshare', ['--mount', 'sh', '-ec', sweep], { encoding: 'utf8' });
      return status === 0 && stdout === '';
    });
  }
}
