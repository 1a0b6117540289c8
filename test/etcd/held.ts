/** How long the main thread of a process is held while something is done, as `held.mjs` in it finds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs } from '../run/end-with-us.ts';
import { type LogLine, until } from '../system/harness.ts';

/** For `--import`. */
export const HELD = fileURLToPath(new URL('./held.mjs', import.meta.url));
const LIMIT_MS = 10_000;

/** As `held.mjs` prints it. */
export interface Held {
  readonly maxMs: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
  /** The longest of its garbage collections. */
  readonly collectionMs: number;
  /** How many were of the whole heap. */
  readonly full: number;
}

/** A process with `held.mjs` in it. */
export interface Watched {
  readonly log: readonly LogLine[];
  signal(name: 'SIGUSR2'): void;
}

/** Watches all of these processes while `act` goes on. */
export async function heldWhile(processes: readonly Watched[], act: () => Promise<unknown>): Promise<readonly Held[]> {
  const before = processes.map(({ log }) => log.length);
  for (const each of processes) each.signal('SIGUSR2');
  await act();
  for (const each of processes) each.signal('SIGUSR2');
  const found = processes.map(({ log }, i) =>
    until('what was found', LIMIT_MS, () => log.slice(before[i]).find(({ message }) => message === 'held')),
  );
  return (await Promise.all(found)) as unknown as Held[];
}

/** A process that does nothing: that it is held is the machine's doing. */
export async function idleProcess(): Promise<Watched> {
  const argv = [
    '--import',
    HELD,
    '-e',
    'setInterval(() => {}, 1e6); console.log(JSON.stringify({ level: 30, message: "here" }))',
  ];
  const child = endWithUs(spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const log: LogLine[] = [];
  const lines = createInterface({ input: child.stdout! });
  lines.on('line', (line) => log.push(JSON.parse(line) as LogLine));
  await once(lines, 'line');
  return { log, signal: (name) => void child.kill(name) };
}
