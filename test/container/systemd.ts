/** A real systemd as process 1 of a container, with journald and the units it is given. Needs root. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf, until } from '../system/harness.ts';
import { buildRoot, type Mount, quoted, switchRoot } from './root.ts';

const UNITS = '/run/units';
/** Targets that services name without saying so; what a whole distribution hangs on them is not here. */
const TARGETS = ['basic', 'sysinit', 'shutdown', 'umount', 'final', 'multi-user', 'network-online', 'sockets'];
const JOURNALD = ['systemd-journald.service', 'systemd-journald.socket', 'systemd-journald-dev-log.socket'];
const LIMIT_MS = 20_000;

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

export class Systemd {
  readonly #child: ChildProcess;
  readonly #at: string;
  readonly #group: string;
  #pid = 0;
  #output = '';

  private constructor(mounts: readonly Mount[], files: Readonly<Record<string, string>>) {
    this.#at = mkdtempSync(join(tmpdir(), 'fourlane-systemd-'));
    this.#group = `fourlane-test-${this.#at.slice(-6)}`;
    const empty = Object.fromEntries(TARGETS.map((name) => [`${UNITS}/${name}.target`, '[Unit]\nDefaultDependencies=no\n']));
    const first =
      '[Unit]\nDefaultDependencies=no\nRequires=basic.target\nWants=systemd-journald.service systemd-journald-dev-log.socket\n';
    const root = buildRoot({
      at: this.#at,
      mounts: [...mounts, ...JOURNALD.map((name) => ({ from: `/lib/systemd/system/${name}`, to: `${UNITS}/${name}` }))],
      files: { ...empty, [`${UNITS}/default.target`]: first, '/etc/machine-id': `${'f0'.repeat(16)}\n`, ...files },
    });
    const environment = `env -i container=fourlane PATH=/usr/sbin:/usr/bin SYSTEMD_UNIT_PATH=${UNITS} SYSTEMD_LOG_TARGET=console`;
    // A control group of its own in the unified hierarchy, which then is the whole hierarchy: nothing outside is seen or touched.
    const inGroup = [
      'mount -t cgroup2 cgroup2 sys/fs/cgroup',
      ...switchRoot,
      `exec ${environment} /lib/systemd/systemd --system --unit=default.target --show-status=0`,
    ];
    const script = [
      ...root,
      'mount -t cgroup2 cgroup2 sys/fs/cgroup',
      `group=sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/${this.#group}`,
      'mkdir $group && echo 0 >$group/cgroup.procs',
      'umount sys/fs/cgroup',
      'ip link set lo up',
      `exec unshare --cgroup sh -ec ${quoted(inGroup.join('\n'))}`,
    ];
    const namespaces = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--mount-proc', '--kill-child'];
    this.#child = spawn('unshare', [...namespaces, 'sh', '-ec', script.join('\n')], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.on('data', (text) => (this.#output += String(text)));
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  /** Starts it; resolves when it is up. `files`: text by path, units among them. */
  static async start(mounts: readonly Mount[], files: Readonly<Record<string, string>>): Promise<Systemd> {
    const made = new Systemd(mounts, files);
    try {
      await until('systemd is up', LIMIT_MS, () => {
        if (made.#child.exitCode !== null) throw new Error(made.#output);
        made.#pid = childrenOf(made.#child.pid!)[0]?.pid ?? 0;
        return made.#pid > 0 && made.run('systemctl', 'is-system-running').output.trim() === 'running';
      });
    } catch (error) {
      await made.end();
      throw new Error(`${(error as Error).message}\n${made.#output}`, { cause: error });
    }
    return made;
  }

  /** The path under which a unit has to be put. */
  static unit(name: string): string {
    return `${UNITS}/${name}`;
  }

  /** Runs a command inside, to its end. */
  run(...argv: readonly string[]): Ran {
    const enter = ['-t', String(this.#pid), '--mount', '--pid', '--net', '--ipc', '--uts', '--cgroup', '--'];
    const { status, stdout, stderr } = spawnSync('nsenter', [...enter, ...argv], { encoding: 'utf8', timeout: LIMIT_MS });
    return { status, output: `${stdout}${stderr}` };
  }

  /** Runs a command that must succeed; returns what it printed. */
  must(...argv: readonly string[]): string {
    const { status, output } = this.run(...argv);
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${status} ${output}`);
    return output.trim();
  }

  /** A property of a unit. */
  show(unit: string, property: string): string {
    return this.must('systemctl', 'show', unit, '--value', '--property', property);
  }

  /** Ends everything inside at once, and removes its control group. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    if (this.#pid > 0) process.kill(this.#pid, 'SIGKILL');
    this.#child.kill('SIGKILL');
    await ended;
    const at = quoted(this.#at);
    const mine = `find ${at} -depth -type d -path '*/${this.#group}*'`;
    const sweep = `mount -t cgroup2 cgroup2 ${at}; ${mine} -exec rmdir {} + || true; ${mine}`;
    // The last processes may still be on their way out.
    await until('its control group is gone', LIMIT_MS, () => {
      const { status, stdout } = spawnSync('unshare', ['--mount', 'sh', '-ec', sweep], { encoding: 'utf8' });
      return status === 0 && stdout === '';
    });
    rmSync(this.#at, { recursive: true });
  }
}
