/** Runs the demo as a process of its own, and looks at what it leaves behind. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEMO = ['src/cli/fourlane.mjs', 'demo'];

export interface Ended {
  readonly code: number | null;
  readonly out: string;
}

// Nobody may write here too: the demo runs with and without root.
const TEMP = mkdtempSync(join(tmpdir(), 'fourlane-test-'));
chmodSync(TEMP, 0o777);
after(() => rmSync(TEMP, { recursive: true }));

/** Runs the demo to its end; `during` sees every piece of output and may act on the process. */
export function demo(
  args: readonly string[],
  as: readonly string[] = [],
  during: (out: string, pid: number) => void = () => undefined,
): Promise<Ended> {
  const [command, ...rest] = [...as, process.execPath, ...DEMO, ...args];
  const child = spawn(command!, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: TEMP } });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (d: string) => {
      out += d;
      during(out, child.pid!);
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })));
}

/** What the demo with this output and temporary directory has left behind; must be nothing. */
export function leftovers({ out }: Ended): string[] {
  const prefix = /\((fl-\d+-\d+)-\*\)/.exec(out)?.[1] ?? 'no namespaces';
  const lines = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.split('\n');
  return [
    ...(existsSync('/run/netns') ? readdirSync('/run/netns').filter((n) => n.startsWith(`${prefix}-`)) : []),
    ...(existsSync('/run/fourlane-lab') ? readdirSync('/run/fourlane-lab').filter((n) => n === prefix) : []),
    ...readdirSync(TEMP),
    ...lines.filter((l) => l.includes(`${prefix}/`) || l.includes(TEMP)),
  ];
}
