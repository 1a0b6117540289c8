/**
 * A container as an engine would run it: the capabilities, read-only and hidden paths of Docker's and podman's defaults. No
 * seccomp filter.
 */
import { Container, emptyDirectory, type Ran } from './container.ts';
import { buildRoot, quoted, type RootOptions, switchRoot } from './root.ts';

/** What root has in a container without further words. */
const CAPABILITIES = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'setfcap',
];
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];
const HIDDEN = ['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'scsi', 'sched_debug', 'timer_list', 'timer_stats'];

export interface EngineOptions extends Omit<RootOptions, 'at'> {
  readonly name: string;
  readonly argv: readonly string[];
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  /** As in compose.yaml: NET_ADMIN, SYS_ADMIN. */
  readonly capAdd: readonly string[];
  /** Whose network it shares; without: one of its own, with a link `eth0` if it has an address. */
  readonly networkOf?: EngineContainer;
  /** Address with prefix length that its `eth0` gets once somebody plugs it. */
  readonly address?: string;
}

/** Words before a command that take every other capability away for good. */
function limited(capAdd: readonly string[]): string[] {
  const kept = [...CAPABILITIES, ...capAdd.map((name) => name.toLowerCase())].map((name) => `+${name}`).join(',');
  return ['setpriv', `--bounding-set=-all,${kept}`, '--inh-caps=-all', '--'];
}

function script(at: string, options: EngineOptions): string[] {
  const { name, argv, workdir, env, capAdd, address, networkOf } = options;
  const plug = [
    'until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done',
    `ip address add ${address} dev eth0`,
    'ip link set eth0 up',
  ];
  const environment = Object.entries({ PATH: '/opt/node/bin:/usr/sbin:/usr/bin', HOME: '/root', ...env }).map(([k, v]) =>
    quoted(`${k}=${v}`),
  );
  const command = [...limited(capAdd), ...argv].map(quoted).join(' ');
  return [
    ...buildRoot({ at, ...options }),
    ...READ_ONLY.map(
      (path) => `if [ -e proc/${path} ]; then mount --bind proc/${path} proc/${path}; mount -o remount,bind,ro proc/${path}; fi`,
    ),
    ...HIDDEN.map(
      (path) =>
        `if [ -d proc/${path} ]; then mount -t tmpfs -o ro none proc/${path}; elif [ -e proc/${path} ]; then mount --bind ` +
        `/dev/null proc/${path}; fi`,
    ),
    'mount -o remount,bind,ro sys',
    ...switchRoot,
    `hostname ${quoted(name)}`,
    ...(networkOf === undefined ? ['ip link set lo up', ...(address === undefined ? [] : plug)] : []),
    `cd ${quoted(workdir)}`,
    // The shell stays as process 1, as `init: true` says: it takes over orphans.
    `env -i ${environment.join(' ')} ${command}; exit $?`,
  ];
}

export class EngineContainer extends Container {
  readonly #capAdd: readonly string[];

  constructor(options: EngineOptions) {
    const at = emptyDirectory();
    const pid = options.networkOf?.pid;
    const network = pid === undefined ? {} : { prefix: ['nsenter', `--net=/proc/${pid}/ns/net`], network: false };
    super(at, script(at, options), network);
    this.#capAdd = options.capAdd;
  }

  /** As `docker exec`: with the capabilities of the container. */
  exec(...argv: readonly string[]): Ran {
    return this.run(...limited(this.#capAdd), ...argv);
  }
}
