/** What every `fourlane cluster` command begins with: which cluster, whose certificate, who asks. */
import { hostname, userInfo } from 'node:os';
import { cluster as clusterSchema } from '../../config/cluster.ts';
import { readIfExists } from '../../sys/files.ts';
import { explain } from '../../config/explain.ts';
import { ConfigError, type Issue } from '../../config/problem.ts';
import { parseYaml } from '../../config/yaml.ts';
import { Contents } from '../../cluster/api/contents.ts';
import { EtcdStore } from '../../cluster/store/etcd-store.ts';
import { Follow } from '../../cluster/api/follow.ts';
import type { Store } from '../../cluster/store/store.ts';
import { clusterPrefix } from '../../cluster/keys.ts';
import { cronCalendar } from '../../cluster/roster/calendar.ts';
import { Caller } from '../../cluster/transport/caller.ts';
import { grpcDial } from '../../cluster/transport/grpc.ts';
import type { ClusterState } from '../../cluster/view/state.ts';
import { stateOf } from '../../cluster/view/reading.ts';
import { FourlaneError } from '../../model/errors.ts';
import type { EtcdSettings } from '../../model/plan.ts';
import { monotonicMs } from '../../sys/clock.ts';

export const DEFAULT_FILE = '/etc/fourlane/cluster.yaml';
const MOST_BYTES = 64 << 20;

export interface ClusterFile {
  readonly name: string;
  readonly etcd: EtcdSettings;
}

/**
 * Reads a file with the key `cluster`, such as that of `fourlane cluster init`. Rejects with CONFIG_UNREADABLE or CONFIG_INVALID.
 */
export async function readClusterFile(path: string): Promise<ClusterFile> {
  const bytes = await readIfExists(path, MOST_BYTES).catch((error: Error) => {
    throw new FourlaneError('CONFIG_UNREADABLE', error.message, { cause: error });
  });
  if (bytes === undefined)
    throw new FourlaneError(
      'CONFIG_UNREADABLE',
      `there is no ${path}; make a cluster with fourlane cluster init, or name its file with --cluster or FOURLANE_CLUSTER`,
    );
  const file = parseYaml(bytes.toString('utf8'));
  if (file.problems.length > 0) throw new ConfigError(path, file.problems);
  const written = (file.value as { cluster?: unknown } | null)?.cluster;
  const { data, error } = clusterSchema.safeParse(written);
  const fail = (issues: readonly Issue[]) =>
    new ConfigError(
      path,
      issues.map((issue) => file.locate({ ...issue, path: ['cluster', ...issue.path] })),
    );
  if (data === undefined) throw fail(explain(error, written));
  if (!('etcd' in data) || data.etcd === undefined)
    throw fail([{ path: [], message: 'it has no etcd; a cluster needs cluster.name, and cluster.etcd with endpoints and tls' }]);
  return { name: data.name, etcd: data.etcd };
}

/** Who asks, unless --by names somebody. */
export function defaultAuthor(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `uid-${process.getuid?.()}@${hostname()}`;
  }
}

export class Session {
  readonly name: string;
  readonly by: string;
  readonly store: Store;
  readonly contents: Contents;
  readonly clock = monotonicMs;
  readonly prefix: string;
  readonly #etcd: EtcdSettings;
  readonly #open: { close(): unknown }[] = [];
  readonly calendar = cronCalendar();

  constructor({ name, etcd }: ClusterFile, by: string) {
    this.name = name;
    this.by = by;
    this.#etcd = etcd;
    this.prefix = clusterPrefix(name);
    this.store = new EtcdStore(this.caller(), this.prefix);
    this.contents = new Contents(this.store);
  }

  /** A connection of its own, closed with the session. */
  caller(): Caller {
    const { endpoints, tls } = this.#etcd;
    const made = new Caller({ endpoints, dial: grpcDial(tls), clock: this.clock, random: Math.random });
    this.#open.push(made);
    return made;
  }

  follow(): Follow {
    const { endpoints, tls } = this.#etcd;
    const { clock, calendar, prefix } = this;
    const made = new Follow({ endpoints, dial: grpcDial(tls), prefix, calendar, clock, wall: Date.now });
    this.#open.push({ close: () => made.stop() });
    return made;
  }

  state(): Promise<ClusterState> {
    return stateOf(this.store);
  }

  /** For people. */
  at(): string {
    return new Date().toISOString();
  }

  async close(): Promise<void> {
    for (const each of this.#open) await each.close();
  }
}
