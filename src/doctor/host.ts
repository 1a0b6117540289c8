/** Everything the checks ask of the machine, in one place, so that their tests answer from recordings. */
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { EtcdLook } from '../cluster/inspect.ts';
import { collectors } from '../collect/index.ts';
import type { CollectedNic, Reading } from '../collect/collector.ts';
import { readOnce } from '../collect/once.ts';
import { decode, names } from '../collect/telemetry/answer.ts';
import { TelemetryClient } from '../collect/telemetry/client.ts';
import { MEMPOOL_LIST, RING_LIST } from '../collect/telemetry/commands.ts';
import { discover, runtimeDirectories } from '../collect/telemetry/discover.ts';
import type { CollectorSpec, EtcdSettings } from '../model/plan.ts';
import type { Sockets } from '../routing/speaker.ts';
import { type DaemonTuning, readTunings, type UnreadDaemon } from '../routing/tuning.ts';
import { runCommand } from '../sys/child.ts';
import { type ClockState, clockState } from '../sys/clock-state.ts';
import { namesIn } from '../sys/directory.ts';
import { type Expected, readIfExists } from '../sys/files.ts';
import { exchange } from '../sys/http.ts';
import { isTrusted, networkOf, processesNamed } from '../sys/process.ts';
import { readProc } from '../sys/procfs.ts';

/** A DPDK process and what it made; `rings` undefined: it is too old to list them. */
export interface DpdkProcess {
  readonly path: string;
  readonly rings: readonly string[] | undefined;
  readonly pools: readonly string[];
}

export interface FileState {
  readonly uid: number;
  /** Permissions, with sticky and set-id bits. */
  readonly mode: number;
}

/** What the user we run as may do. */
export interface Rights {
  readonly uid: number;
  readonly groups: readonly number[];
  /** Effective ones, a bit each by its number. */
  readonly capabilities: bigint;
}

export interface Host {
  /** Name of the user we run as. */
  readonly user: string;
  /** Unix ms. */
  now(): number;
  /** A small file's text; undefined when there is none. Rejects with the reason otherwise, also when it is not as expected. */
  read(path: string, expected?: Expected): Promise<string | undefined>;
  names(path: string): Promise<readonly string[]>;
  /** Pids of the processes with this name in our network namespace, root's and our own: others may have any name. */
  processes(name: string): Promise<readonly number[]>;
  /** When a file was written, Unix ms; undefined when there is none. */
  written(path: string): Promise<number | undefined>;
  /** A file or directory; undefined when there is none, or it can't be seen. */
  stat(path: string): Promise<FileState | undefined>;
  rights(): Promise<Rights>;
  /** A program to its end: status and all its output. Rejects when it is not installed or does not end. */
  run(argv: readonly [string, ...string[]]): Promise<{ readonly status: number; readonly output: string }>;
  /** Status of the answer to a GET; `base` is `http://host:port` or `unix:/path`. Rejects when there is none. */
  get(base: string, path: string, headers: Readonly<Record<string, string>>): Promise<number>;
  clock(): ClockState;
  /** Names of the collectors, and one reading of one of them; `settings` undefined: its defaults. */
  readonly collectors: readonly string[];
  collect(name: string, settings: CollectorSpec | undefined, nics: readonly CollectedNic[]): Promise<Reading<unknown>>;
  dpdk(): Promise<readonly DpdkProcess[]>;
  /** How the routing daemons at these sockets are set up; those that are not there are left out. */
  routing(sockets: Sockets): Promise<readonly (DaemonTuning | UnreadDaemon)[]>;
  /** The etcd of this cluster, with our certificate. */
  etcd(settings: EtcdSettings, cluster: string): Promise<EtcdLook>;
}

const ENV = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };
/** Routes of a router may be many. */
const MOST_OUTPUT = 64 << 20;
const MOST_BYTES = 8 << 20;

/** The machine we are on. `signal` aborts at the deadline of the check that asks. */
export function thisHost(signal: AbortSignal, limitMs: number): Host {
  return {
    user: userInfo().username,
    now: () => Date.now(),
    read: async (path, expected) => (await readIfExists(path, MOST_BYTES, expected))?.toString('latin1'),
    names: async (path) => (await namesIn(path)) ?? [],
    processes: async (name) => {
      const ours = await networkOf('self');
      return (await processesNamed(name))
        .filter((processItem) => (processItem.network === '' || processItem.network === ours) && isTrusted(processItem.uid))
        .map((processItem) => processItem.pid);
    },
    written: async (path) => (await stat(path).catch(() => undefined))?.mtimeMs,
    stat: async (path) => {
      const found = await stat(path).catch(() => undefined);
      return found && { uid: found.uid, mode: found.mode & 0o7777 };
    },
    rights: async () => {
      const text = (await readProc('/proc/self/status')) ?? '';
      const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(text)?.[1] ?? '0';
      return {
        uid: process.geteuid!(),
        groups: [process.getegid!(), ...process.getgroups!()],
        capabilities: BigInt(`0x${effective}`),
      };
    },
    run: async (argv) => {
      const done = await runCommand(argv, { env: ENV, timeoutMs: limitMs, maxOutput: MOST_OUTPUT, signal });
      if (done.ended === 'exit') return { status: done.exitCode, output: done.output };
      throw new Error(done.ended === 'spawn' ? `the program ${argv[0]} is not installed` : `${argv[0]} ${done.summary}`);
    },
    get: async (base, path, headers) => {
      const socketPath = base.startsWith('unix:') ? { socketPath: base.slice('unix:'.length) } : {};
      const origin = base.startsWith('unix:') ? 'http://localhost' : base.replace(/\/$/, '');
      return (await exchange(origin + path, { method: 'GET', headers, timeoutMs: limitMs, ...socketPath })).status;
    },
    clock: clockState,
    collectors: collectors.map((collector) => collector.name),
    collect: (name, settings, nics) =>
      readOnce(collectors.find((collector) => collector.name === name)!, settings, { nics }, () => undefined),
    dpdk: () => dpdkProcesses(signal),
    routing: (sockets) => readTunings(sockets, signal),
    etcd: async (settings, cluster) => (await import('../cluster/inspect.ts')).inspectEtcd(settings, cluster),
  };
}

async function dpdkProcesses(signal: AbortSignal): Promise<readonly DpdkProcess[]> {
  const { sockets } = await discover(runtimeDirectories(process.env, process.getuid?.() ?? 0));
  return Promise.all(
    sockets.map(async ({ path }) => {
      const client = new TelemetryClient(path);
      try {
        const session = await client.session(signal);
        const list = async (command: typeof RING_LIST) =>
          session.knows(command) ? decode(names, await session.request(command, signal), path) : undefined;
        return { path, rings: await list(RING_LIST), pools: (await list(MEMPOOL_LIST)) ?? [] };
      } finally {
        client.close();
      }
    }),
  );
}
