/**
 * A container made of namespaces: a process 1 with everything of its own, and commands run beside it. Ends with its owner. Needs
 * root.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithUs } from '../run/end-with-us.ts';
import { childrenOf } from '../system/harness.ts';

const LIMIT_MS = 20_000;

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/** An empty directory to build a root on. */
export function emptyDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'fourlane-container-'));
}

export class Container {
  readonly #child: ChildProcess;
  readonly #at: string;
  readonly #closed: Promise<void>;
  /** What process 1 and its children have printed. */
  output = '';

  /**
   * Starts a shell with this script as process 1; the script builds its root on `at` and ends in an `exec`. `prefix`: the words
   * before `unshare`, as for the network of another container; `network`: it gets one of its own.
   */
  constructor(
    at: string,
    script: readonly string[],
    { prefix = [], network = true }: { prefix?: readonly string[]; network?: boolean } = {},
  ) {
    this.#at = at;
    const namespaces = [
      ...(network ? ['--net'] : []),
      '--mount',
      '--pid',
      '--ipc',
      '--uts',
      '--fork',
      '--mount-proc',
      '--kill-child',
    ];
    const argv = [...prefix, 'unshare', ...namespaces, 'sh', '-ec', script.join('\n')];
    this.#child = endWithUs(spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] }));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.on('data', (text) => (this.output += String(text)));
    this.#closed = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  /** Exit code or signal, once it has ended. */
  get ended(): number | NodeJS.Signals | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  /**
   * Process 1, as seen from here; undefined before and after. `nsenter` and `unshare` are one process: the second is its child.
   */
  get pid(): number | undefined {
    return this.ended === undefined ? childrenOf(this.#child.pid!)[0]?.pid : undefined;
  }

  /** Resolves with the exit code when process 1 has ended. */
  async end(): Promise<number | NodeJS.Signals> {
    await this.#closed;
    return this.ended!;
  }

  /** Runs a command inside, to its end. */
  run(...argv: readonly string[]): Ran {
    const enter = ['-t', String(this.pid), '--mount', '--pid', '--net', '--ipc', '--uts', '--cgroup', '--'];
    const { status, stdout, stderr } = spawnSync('nsenter', [...enter, ...argv], { encoding: 'utf8', timeout: LIMIT_MS });
    return { status, output: `${stdout}${stderr}` };
  }

  /** Runs a command inside that must succeed; returns what it printed. */
  must(...argv: readonly string[]): string {
    const { status, output } = this.run(...argv);
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${status} ${output}`);
    return output.trim();
  }

  /** Ends everything inside at once. */
  async kill(): Promise<void> {
    const { pid } = this;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    this.#child.kill('SIGKILL');
    await this.#closed;
    rmSync(this.#at, { recursive: true, force: true });
  }
}
