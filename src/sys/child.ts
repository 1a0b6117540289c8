/** Runs a command to its end: no shell, its own process group, a time limit that kills the whole group, bounded output. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Account } from './accounts.ts';
import { monotonicMs } from './clock.ts';

/** Where programs are looked for: not where whoever started the agent looks for his. */
export const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface CommandOptions {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL to the group. */
  readonly killGraceMs?: number;
  /** Bytes kept of standard output and error together; the rest is read and dropped. 0: the kernel drops all of it. */
  readonly maxOutput?: number;
  /** User and group to run it as; left out: those of this process. Supplementary groups are dropped. */
  readonly as?: Account;
  /** Ends the command as the time limit does, with `ended: 'cancelled'`. */
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  /** `spawn`: it never ran (`output` has the reason). `timeout` and `cancelled`: we killed it. */
  readonly ended: 'exit' | 'signal' | 'timeout' | 'cancelled' | 'spawn';
  /** -1 unless `ended` is `exit`. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | '';
  /** Standard output and error as they came. */
  readonly output: string;
  readonly elapsedMs: number;
  /** For people: `exited with 3: cannot reach gobgp`, without the program's name. */
  readonly summary: string;
}

/**
 * Runs `argv`. Resolves in every case, also when the program does not exist. After a normal exit, processes it left in the
 * background live on (a notify script may start a daemon); after the time limit the whole group is killed.
 */
export function runCommand(argv: readonly [string, ...string[]], options: CommandOptions): Promise<CommandResult> {
  const { timeoutMs, killGraceMs = 500, maxOutput = 4096, signal } = options;
  const started = monotonicMs();
  const chunks: Buffer[] = [];
  let room = maxOutput;
  let killed: 'timeout' | 'cancelled' | undefined;

  return new Promise((resolve) => {
    let child: ChildProcess;
    const finish = (ended: CommandResult['ended'], exitCode: number, by: NodeJS.Signals | '', text?: string) => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', cancel);
      child?.stdout?.destroy();
      child?.stderr?.destroy();
      const output = text ?? Buffer.concat(chunks).toString('utf8');
      const elapsedMs = monotonicMs() - started;
      resolve({ ended, exitCode, signal: by, output, elapsedMs, summary: summarise(ended, exitCode, by, output, timeoutMs) });
    };
    const kill = (why: 'timeout' | 'cancelled') => {
      if (killed || child?.pid === undefined) return;
      killed = why;
      const group = child.pid;
      signalGroup(group, 'SIGTERM');
      // Also after the leader has gone: members that ignore SIGTERM must not outlive the action.
      setTimeout(() => signalGroup(group, 'SIGKILL'), killGraceMs);
    };
    const cancel = () => kill('cancelled');
    const limit = setTimeout(() => kill('timeout'), timeoutMs);
    const out = maxOutput === 0 ? 'ignore' : 'pipe';
    try {
      child = spawn(argv[0], argv.slice(1), {
        cwd: '/',
        env: options.env,
        detached: true,
        stdio: ['ignore', out, out],
        ...options.as,
      });
    } catch (error) {
      finish('spawn', -1, '', (error as Error).message);
      return;
    }
    const keep = (chunk: Buffer) => {
      if (room > 0) chunks.push(chunk.subarray(0, room));
      room -= chunk.length;
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => {
      if (child.pid === undefined) finish('spawn', -1, '', error.message);
    });
    // `exit` alone would lose output still in the pipe, `close` alone would wait for background children that hold it open.
    child.on('exit', (code, by) => {
      const done = () => finish(killed ?? (by ? 'signal' : 'exit'), killed || by ? -1 : (code ?? -1), by ?? '');
      const late = setTimeout(() => {
        child.off('close', done);
        done();
      }, 20);
      child.once('close', () => clearTimeout(late));
      child.once('close', done);
    });
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
  });
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // the whole group has ended already
  }
}

function summarise(ended: CommandResult['ended'], exitCode: number, by: string, output: string, timeoutMs: number): string {
  const lastLine = output.trim().split('\n').at(-1)?.slice(0, 200) ?? '';
  const suffix = lastLine === '' ? '' : `: ${lastLine}`;
  switch (ended) {
    case 'exit':
      return `exited with ${exitCode}${suffix}`;
    case 'signal':
      return `was ended by ${by}${suffix}`;
    case 'timeout':
      return `did not end within ${timeoutMs} ms and was killed${suffix}`;
    case 'cancelled':
      return 'was cancelled';
    case 'spawn':
      return `could not be started${suffix}`;
  }
}
