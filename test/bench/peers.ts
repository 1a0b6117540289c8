/**
 * The peers of one comparison, each run in a process of its own against the same server. CPU is user+sys of the probing process.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outputOf } from './ask.ts';

export const PORT0 = 20_000;
export const PORTS = 100;
export type Mode = 'tcp' | 'http';

/** What every prober reports. */
export interface Sample {
  readonly probes: number;
  readonly ok: number;
  /** CPU µs per probe. */
  readonly us: number;
}

/** What the floor and ours report, too. */
export interface PacedSample extends Sample {
  readonly per_second: number;
  /** 99th percentile of how late a probe started; null without pace, or above the last bucket. */
  readonly late_p99_ms: number | null;
}

/** A run of our own prober. */
export interface OurSample extends PacedSample {
  readonly rss_mb: number;
  readonly dropped: number;
  /** Whether no verdict on the whole agent stood when the server was killed; null when none was to be killed. */
  readonly armed: boolean | null;
  /** From the kill to the first verdict on the whole agent after it; null when there was none. */
  readonly dead_ms: number | null;
}

/** A directory that goes with this process. */
function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fourlane-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const here = (file: string) => new URL(file, import.meta.url).pathname;

/** Compiles a C file; undefined without a compiler. */
export function compile(file: string): string | undefined {
  const out = join(scratch(), 'program');
  const done = spawnSync('gcc', ['-O2', '-o', out, here(file)], { stdio: ['ignore', 'ignore', 'inherit'] });
  return done.status === 0 ? out : undefined;
}

/** Starts the server the peers probe; `stop` ends it. */
export async function startServer(program: string): Promise<{ pid: number; stop(): void }> {
  const child = spawn(program, [String(PORT0), String(PORTS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { pid: child.pid!, stop: () => void child.kill() };
}

/** A prober that ends with an error has measured nothing: `nothing`, of which every row is void. */
async function run<T extends Sample>(program: string, args: readonly (string | number)[], nothing: T): Promise<T> {
  try {
    return JSON.parse(await outputOf(program, args)) as T;
  } catch (error) {
    console.error(`  ${(error as Error).message.trim()}`);
    return nothing;
  }
}

const NOTHING: Sample = { probes: 0, ok: 0, us: NaN };
const NO_PACE: PacedSample = { ...NOTHING, per_second: NaN, late_p99_ms: null };
const NONE_OF_OURS: OurSample = { ...NO_PACE, rss_mb: NaN, dropped: NaN, armed: null, dead_ms: null };

/** The C floor. @param rate per second; 0 = as fast as it can */
export function floor(program: string, mode: Mode, rate: number, seconds: number): Promise<PacedSample> {
  return run(program, [mode, rate, seconds, PORT0, PORTS], NO_PACE);
}

export interface Load {
  readonly mode: Mode;
  readonly cells: number;
  readonly intervalMs: number;
  readonly seconds: number;
  /** 1 when absent. */
  readonly lanes?: number;
  /** The server's process, when it is to be killed after the measurement. */
  readonly kill?: number;
}

/** The same calls from a plain loop in Node. */
export function nodeFloor(mode: Mode, rate: number, seconds: number): Promise<Sample> {
  return run(process.execPath, [here('./node-floor.ts'), mode, rate, seconds, PORT0, PORTS], NOTHING);
}

/** fourlane: lanes, scheduler, board and judge. */
export function ours({ mode, cells, intervalMs, seconds, lanes = 1, kill }: Load): Promise<OurSample> {
  // The agent runs with a small young generation, too: it makes little garbage, and 50 MB are not worth its rarer collections.
  const script = ['--max-semi-space-size=4', here('./ours.ts')];
  return run(process.execPath, [...script, mode, cells, intervalMs, seconds, PORT0, PORTS, lanes, kill ?? ''], NONE_OF_OURS);
}

/** Plain node:net at a given rate: what an agent without own sockets would cost. */
export function netConnect(rate: number, seconds: number): Promise<Sample> {
  const script = `
    import net from 'node:net';
    let started = 0, done = 0, ok = 0; const t0 = performance.now(), cpu = process.cpuUsage(), n = ${rate * seconds};
    const timer = setInterval(() => {
      for (const due = Math.min(n, (performance.now() - t0) * ${rate / 1000}); started < due; started++) {
        const s = net.connect({ host: '127.0.0.1', port: ${PORT0} + started % ${PORTS} });
        s.on('connect', () => { ok++; s.resetAndDestroy(); }); s.on('error', () => {}); s.on('close', () => {
          if (++done < n) return;
          clearInterval(timer); const u = process.cpuUsage(cpu);
          console.log(JSON.stringify({ probes: done, ok, us: (u.user + u.system) / done }));
        });
      }
    }, 1);`;
  return run(process.execPath, ['--input-type=module', '-e', script], NOTHING);
}

/** blackbox_exporter probing once per request, when it is installed. */
export async function blackbox(mode: Mode, requests: number): Promise<Sample | undefined> {
  const names = ['prometheus-blackbox-exporter', 'blackbox_exporter'];
  const found = spawnSync('which', names, { encoding: 'utf8' }).stdout.split('\n')[0];
  if (!found) return undefined;
  const directory = scratch();
  const config = join(directory, 'blackbox.yml');
  writeFileSync(
    config,
    'modules: {tcp: {prober: tcp, tcp: {preferred_ip_protocol: ip4}}, http: {prober: http, http: {preferred_ip_protocol: ' +
      'ip4}}}\n',
  );
  const child = spawn(found, [`--config.file=${config}`, '--web.listen-address=127.0.0.1:20990', '--log.level=error'], {
    stdio: 'ignore',
  });
  try {
    const ask = async (i: number) => {
      const target = `${mode === 'http' ? 'http://' : ''}127.0.0.1:${PORT0 + (i % PORTS)}`;
      const answer = await fetch(`http://127.0.0.1:20990/probe?module=${mode}&target=${target}`);
      return /^probe_success 1$/m.test(await answer.text());
    };
    for (let i = 0; ; i++) {
      const up = await ask(0).catch(() => undefined);
      if (up !== undefined) break;
      if (i > 50) throw new Error('blackbox_exporter does not answer');
      await sleep(100);
    }
    const before = cpuOf(child);
    let ok = 0;
    for (let i = 0; i < requests; i += 8)
      ok += (await Promise.all(Array.from({ length: 8 }, (_, k) => ask(i + k)))).filter(Boolean).length;
    return { probes: requests, ok, us: (cpuOf(child) - before) / requests };
  } finally {
    child.kill();
  }
}

/** CPU µs used so far by a child, all its threads. */
function cpuOf(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const tick = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / tick;
}
