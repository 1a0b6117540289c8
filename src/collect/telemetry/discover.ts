/**
 * Finds DPDK telemetry v2 sockets: `<runtime directory>/<file prefix>/dpdk_telemetry.v2`, or `…v2:1` of a second --in-memory
 * process.
 */
import { namesIn } from '../../sys/directory.ts';
import { socketRun } from '../../sys/socket-run.ts';

const SOCKET = /^dpdk_telemetry\.v2(:\d+)?$/;

/** A socket file; whether somebody listens shows only when it is connected to. */
export interface Found {
  /** Label `source`: the file prefix, with the number of a second process; the whole path where that would not be unique. */
  readonly source: string;
  readonly path: string;
  /** Another one: the process has been started again. */
  readonly run: string;
}

export interface Discovery {
  readonly sockets: readonly Found[];
  /** Directories that can't be read, each with the remedy. */
  readonly problems: readonly string[];
}

/**
 * Where DPDK puts its files: /var/run/dpdk for root, $RUNTIME_DIRECTORY/dpdk (systemd) or $XDG_RUNTIME_DIR/dpdk for others. Its
 * last resort, /tmp/dpdk, is left out, as are other users' directories: anybody could have a socket there and report ports that
 * do not exist.
 */
export function runtimeDirectories(env: Readonly<Record<string, string | undefined>>, uid: number): readonly string[] {
  // $RUNTIME_DIRECTORY names several directories when the unit does.
  const own = (env['RUNTIME_DIRECTORY'] ?? '').split(':').filter((d) => d.startsWith('/'));
  return ['/var/run/dpdk', ...own.map((d) => `${d}/dpdk`), `/run/user/${uid}/dpdk`];
}

/** Every socket in these runtime directories, each with its sub-directories one deep. */
export async function discover(directories: readonly string[]): Promise<Discovery> {
  const sockets: Found[] = [];
  const problems: string[] = [];
  const list = async (directory: string) => {
    try {
      return (await namesIn(directory)) ?? [];
    } catch (error) {
      const { message } = error as Error;
      problems.push(
        `${directory} can't be read: ${message}; run fourlane as root, or give its user the right to read and enter it`,
      );
      return [];
    }
  };
  const taken = new Set<string>();
  for (const directory of new Set(directories)) {
    for (const prefix of await list(directory)) {
      for (const name of await list(`${directory}/${prefix}`)) {
        const [whole, number = ''] = SOCKET.exec(name) ?? [];
        if (whole === undefined) continue;
        const path = `${directory}/${prefix}/${name}`;
        const short = `${prefix}${number}`;
        const run = await socketRun(path).catch(() => '');
        // It has gone since the directory was listed.
        if (run === undefined) continue;
        sockets.push({ source: taken.has(short) ? path : short, path, run });
        taken.add(short);
      }
    }
  }
  return { sockets, problems };
}
