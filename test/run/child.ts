/** Child processes of the runner: none outlives it, none hangs for ever. */
import { spawn } from 'node:child_process';
import { endWithUs } from './end-with-us.ts';
import { meter } from './metered.ts';

export interface Ended {
  /** 0 = well. A signal or a time limit is 1. */
  readonly status: number;
  /** stdout and stderr, unless they were inherited. */
  readonly output: string;
  /** Time on CPUs of all it started, s, where that can be told. */
  readonly cpuSeconds?: number | undefined;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

export interface ChildOptions {
  /** After which it is killed, and has failed. */
  readonly limitMs: number;
  /** Its output goes where the runner's goes, instead of being kept. */
  readonly show?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end, in a session of its own. */
export function runChild(argv: readonly string[], { limitMs, show = false, env: more = {} }: ChildOptions): Promise<Ended> {
  const stdio = show ? 'inherit' : 'pipe';
  // Warnings are of node:test's own reporters.
  const env = { ...process.env, NODE_NO_WARNINGS: '1', ...more };
  const metered = meter();
  const [program, ...rest] = metered.command(argv);
  const child = endWithUs(spawn(program!, rest, { stdio: ['ignore', stdio, stdio], env, detached: true }));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const timer = setTimeout(() => {
    output += `\nnot ended within ${limitMs / 1000} s: killed\n`;
    child.kill('SIGKILL');
  }, limitMs);
  return new Promise((resolve) => {
    child.once('error', (error) => (output += `${error.message}\n`));
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ status: code ?? 1, output, cpuSeconds: metered.read() });
    });
  });
}
