/**
 * Network namespaces with a prefix of the owning process: made, used, and always removed, also after a crash of an earlier run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const NETNS = '/run/netns';
/** A directory for each namespace in which FRR runs. */
export const FRR_SOCKETS = '/run/frr';
const RUN = '/run/fourlane-lab';
const NAME = /^(fl-(\d+)-\d+)-[a-z0-9]+$/;
let serial = 0;

/** What a lab's network consists of, as plain values. */
export interface Network {
  /** One namespace each: letters and digits. */
  readonly roles: readonly string[];
  /** Links as [role, interface, role, interface]. */
  readonly links: readonly (readonly [string, string, string, string])[];
  /** Whether it forwards packets. */
  readonly forwards: (role: string) => boolean;
  /** Commands for `ip -batch` inside each namespace, once the links exist. */
  readonly commands: (role: string) => readonly string[];
  /** More commands, for one family. */
  readonly rules: readonly { readonly role: string; readonly family: 4 | 6; readonly commands: readonly string[] }[];
}

/** The namespaces of one lab. */
export interface Namespaces {
  readonly prefix: string;
  /** Directory for sockets, state and logs; removed with the lab. */
  readonly dir: string;
  /** Name of the namespace with that role, for `ip netns exec`. */
  name(role: string): string;
  /** Runs a command in a namespace to its end; throws with its stderr when it fails. */
  run(role: string, argv: readonly string[], input?: string): string;
  /** Runs `ip` commands in a namespace, all in one process. */
  ip(role: string, commands: readonly string[], family?: 4 | 6): void;
  /** Kills what runs inside, deletes the namespaces and the directory. Synchronous, idempotent. */
  remove(): void;
}

/** Runs a command to its end; returns stdout, throws with stderr. */
export function run(argv: readonly string[], input = ''): string {
  const r = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8', input });
  if (r.error) throw r.error;
  if (r.status !== 0) throw new Error(`${argv.slice(0, 8).join(' ')}: ${r.stderr.trim() || r.stdout.trim()}`);
  return r.stdout;
}

/**
 * Start time of a process in clock ticks since boot; undefined when there is none. A pid alone may belong to somebody else by
 * now.
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Prefixes of labs whose owner is gone. */
export function deadPrefixes(): string[] {
  const names = existsSync(NETNS) ? readdirSync(NETNS) : [];
  const dirs = existsSync(RUN) ? readdirSync(RUN).map((name) => `${name}-dir`) : [];
  const prefixes = new Map(
    [...names, ...dirs].flatMap((name) =>
      NAME.exec(name) ? [[NAME.exec(name)![1]!, Number(NAME.exec(name)![2])] as const] : [],
    ),
  );
  return [...prefixes].filter(([prefix, pid]) => startTime(pid) !== owner(prefix, pid)).map(([prefix]) => prefix);
}

function owner(prefix: string, pid: number): string | undefined {
  const file = `${RUN}/${prefix}/owner`;
  // Without the file (another machine's idea of /run) a living pid is given the benefit of the doubt.
  return existsSync(file) ? readFileSync(file, 'utf8') : (startTime(pid) ?? 'gone');
}

/**
 * Removes everything that has this prefix: processes inside its namespaces, the namespaces (with their links and rules), its
 * directory.
 */
export function removePrefix(prefix: string): void {
  const names = (existsSync(NETNS) ? readdirSync(NETNS) : []).filter((name) => NAME.exec(name)?.[1] === prefix);
  for (const name of names) {
    const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout ?? '';
    for (const pid of pids.split('\n').map(Number)) if (pid > 0 && pid !== process.pid) kill(pid);
  }
  if (names.length > 0)
    spawnSync('ip', ['-force', '-batch', '-'], { input: names.map((name) => `netns del ${name}\n`).join('') });
  for (const directory of [`${RUN}/${prefix}`, ...names.map((name) => `${FRR_SOCKETS}/${name}`)])
    rmSync(directory, { recursive: true, force: true });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}

/**
 * Builds the lab's namespaces, links, addresses and routes. Needs root, iproute2 and nftables. First removes what dead owners
 * left.
 */
export function createNamespaces({ roles, links, forwards, commands, rules }: Network): Namespaces {
  for (const prefix of deadPrefixes()) removePrefix(prefix);
  const prefix = `fl-${process.pid}-${serial++}`;
  const dir = `${RUN}/${prefix}`;
  const name = (role: string) => `${prefix}-${role}`;
  const remove = () => removePrefix(prefix);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(`${dir}/owner`, startTime(process.pid) ?? '');
  const space: Namespaces = {
    prefix,
    dir,
    name,
    remove,
    run: (role, argv, input) => run(['ip', 'netns', 'exec', name(role), ...argv], input),
    ip: (role, commands, family) =>
      void run(
        ['ip', ...(family === undefined ? [] : [`-${family}`]), '-n', name(role), '-batch', '-'],
        `${commands.join('\n')}\n`,
      ),
  };
  process.once('exit', remove);
  try {
    run(['ip', '-batch', '-'], roles.map((role) => `netns add ${name(role)}\n`).join(''));
    for (const role of roles) space.run(role, ['sh', '-c', sysctls(forwards(role))]);
    run(
      ['ip', '-batch', '-'],
      links
        .map(
          ([left, leftDevice, right, rightDevice]) =>
            `link add ${leftDevice} netns ${name(left)} type veth peer name ${rightDevice} netns ${name(right)}\n`,
        )
        .join(''),
    );
    for (const role of roles) space.ip(role, commands(role));
    for (const { role, family, commands: own } of rules) space.ip(role, own, family);
  } catch (error) {
    remove();
    throw new Error(`cannot build the lab's network: ${(error as Error).message}`, { cause: error });
  }
  return space;
}

function sysctls(routes: boolean): string {
  const set: Record<string, string> = {
    'ipv4/ip_forward': routes ? '1' : '0',
    'ipv6/conf/all/forwarding': routes ? '1' : '0',
    'ipv4/conf/all/rp_filter': '0',
    'ipv4/conf/default/rp_filter': '0',
    // No duplicate address detection: an IPv6 address is usable as soon as its link is.
    'ipv6/conf/all/accept_dad': '0',
    'ipv6/conf/default/accept_dad': '0',
    'ipv6/conf/default/keep_addr_on_down': '1',
    'ipv4/ping_group_range': '0 2147483647',
    // Of several equal ways a connection takes one, by its ports too.
    'ipv4/fib_multipath_hash_policy': '1',
  };
  // In a container /proc/sys is read-only. `ip netns exec` gives a mount namespace of its own, where a fresh /proc is seen by
  // this command alone.
  return `mount -t proc proc /proc && cd /proc/sys/net && ${Object.entries(set)
    .map(([key, value]) => `echo ${value} > ${key}`)
    .join(' && ')}`;
}
