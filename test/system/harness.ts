/** Real agents as processes, real listeners, and a network of one's own: what the system tests of the agent stand on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import koffi from 'koffi';
import { Client } from 'undici';
import { metricOf } from '../../src/lab/metric.ts';
import { until as untilSoon } from '../../src/lab/until.ts';
import { endWithUs } from '../run/end-with-us.ts';
import type { StatusReport, TransitionReport, VerdictReport } from '../../src/report/report.ts';
import { PATIENCE } from './patience.ts';
import { PROGRAM } from '../../src/lab/program.ts';

export { metricOf } from '../../src/lab/metric.ts';

/** Between two askings: each costs an agent some ms of the CPU that what is waited for needs. */
const EVERY_MS = 60;

/** As `until`, for conditions that processes are asked for; on a slow machine it waits longer. */
export function until<T>(...[what, limitMs, ask, everyMs = EVERY_MS]: Parameters<typeof untilSoon<T>>): Promise<T> {
  return untilSoon(what, limitMs * PATIENCE, ask, everyMs);
}

/** Thresholds with which faults are judged and healed in about a second at an interval of 200 ms. */
export const QUICK = { rs_hold_down_ms: 500, slow_start_ms: 0, nic_recover_ms: 1000, nic_hold_down_ms: 1000 };

/** One line of the agent's log. */
export interface LogLine {
  readonly level: number;
  readonly message: string;
  readonly [field: string]: unknown;
}

export class AgentProcess {
  readonly #child: ChildProcess;
  readonly log: LogLine[] = [];
  /** Exit code or signal, once ended. */
  ended: number | NodeJS.Signals | undefined;
  readonly #end: Promise<void>;
  #client: Client | undefined;
  readonly #control: Client | undefined;

  private constructor(child: ChildProcess, control: string | undefined) {
    this.#child = child;
    if (control !== undefined) this.#control = new Client('http://localhost', { socketPath: control });
    createInterface({ input: child.stdout! }).on('line', (line) => this.log.push(JSON.parse(line) as LogLine));
    createInterface({ input: child.stderr! }).on('line', (message) => this.log.push({ level: 60, message }));
    this.#end = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.ended = code ?? signal ?? 0;
        resolve();
      });
    });
  }

  /** Starts an agent with this file. `wrap`: a command that runs the command after it, such as prlimit. */
  static spawn(file: string, { wrap = [] }: { wrap?: readonly string[] } = {}): AgentProcess {
    const argv = [...wrap, process.execPath, PROGRAM, 'agent', '--config', file];
    const env = { ...process.env, FOURLANE_CHAOS: '1' };
    const child = endWithUs(spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env }));
    return new AgentProcess(child, controlOf(file));
  }

  /** Starts an agent and waits until every lane runs. */
  static async start(file: string, options: { wrap?: readonly string[] } = {}): Promise<AgentProcess> {
    const agent = AgentProcess.spawn(file, options);
    await agent.ready().catch(async (error: unknown) => {
      await agent.end();
      throw error;
    });
    return agent;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async ready(): Promise<void> {
    const said = () => JSON.stringify(this.log.slice(-5));
    const isReady = () => this.logged(/^ready/) ?? (this.ended !== undefined && { listen: undefined });
    const line = await until('ready', 30_000, isReady).catch((error: Error) => {
      throw new Error(`${error.message}: ${said()}`);
    });
    if (typeof line['listen'] !== 'string') throw new Error(`ended with ${this.ended}: ${said()}`);
    this.#client = new Client(line['listen'].slice(0, -1), { headersTimeout: 3000, bodyTimeout: 3000 });
  }

  /** The last line logged whose message matches. */
  logged(pattern: RegExp): LogLine | undefined {
    return this.log.findLast((l) => pattern.test(l.message));
  }

  /** One request, on the one connection kept; POST over the control socket. */
  async ask(path: string, method: 'GET' | 'POST' = 'GET'): Promise<{ status: number; text: string }> {
    const client = method === 'POST' ? this.#control : this.#client;
    const { statusCode, body } = await client!.request({ path, method });
    return { status: statusCode, text: await body.text() };
  }

  /** One GET over the control socket. */
  async control(path: string): Promise<{ status: number; text: string }> {
    const { statusCode, body } = await this.#control!.request({ path, method: 'GET' });
    return { status: statusCode, text: await body.text() };
  }

  async get<T>(path: string): Promise<T> {
    const { status, text } = await this.ask(path);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  status(): Promise<StatusReport> {
    return this.get('/api/v1/status');
  }

  async verdicts(): Promise<VerdictReport[]> {
    return (await this.get<{ verdicts: VerdictReport[] }>('/api/v1/verdicts')).verdicts;
  }

  async transitions(): Promise<TransitionReport[]> {
    return (await this.get<{ transitions: TransitionReport[] }>('/api/v1/verdicts')).transitions;
  }

  /** Sum of the series of a family whose labels contain all of `labels`; undefined when there is none. */
  async metric(name: string, ...labels: string[]): Promise<number | undefined> {
    return metricOf((await this.ask('/metrics')).text, name, ...labels);
  }

  /** Waits until every cell of every NIC is good and nothing is said against anybody. */
  allGood(limitMs = 8000): Promise<StatusReport> {
    return until('all cells ok', limitMs, async () => {
      const status = await this.status();
      const doubtful = status.nics.filter((n) => n.cells.ok < Object.values(n.cells).reduce((a, b) => a + b));
      if (doubtful.length === 0 && status.verdicts.length === 0) return status;
      throw new Error(JSON.stringify([doubtful.map((n) => [n.name, n.cells]), status.verdicts.map((v) => v.reason)]));
    });
  }

  /** Waits for a present verdict. */
  verdict(verdict: string, about: Readonly<Record<string, string>>, limitMs = 5000): Promise<VerdictReport> {
    return until(`${verdict} ${JSON.stringify(about)}`, limitMs, async () =>
      (await this.verdicts()).find(
        (v) => v.verdict === verdict && Object.entries(about).every(([k, x]) => v[k as keyof VerdictReport] === x),
      ),
    );
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Sends a signal that ends it (kill -9 unless told otherwise); resolves with the exit code or the signal's name. */
  async end(signal: NodeJS.Signals = 'SIGKILL', limitMs = 5000): Promise<number | NodeJS.Signals> {
    if (this.ended === undefined) this.signal(signal);
    const killer = setTimeout(() => this.signal('SIGKILL'), limitMs);
    await this.#end;
    clearTimeout(killer);
    await Promise.all([this.#client?.destroy(), this.#control?.destroy()]);
    return this.ended!;
  }
}

/** Where the control socket is of an agent with this file, as `writeConfig` writes it. */
function controlOf(file: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { control?: string }).control;
  } catch {
    return undefined;
  }
}

/** Writes a config: JSON is YAML. @returns its path */
export function writeConfig(dir: string, config: object, name = 'fourlane.yaml'): string {
  writeFileSync(`${dir}/${name}`, JSON.stringify({ control: `${dir}/${name}.control`, ...config }, undefined, 1));
  return `${dir}/${name}`;
}

/** `count` different loopback addresses with this port. */
export function loopbackServers(count: number, port: number): string[] {
  return Array.from({ length: count }, (_, i) => `127.1.${Math.floor(i / 200)}.${(i % 200) + 1}:${port}`);
}

/** Listens (port 0: any) and answers each connection with `talk`. */
export async function serve(
  port: number,
  talk: (socket: Socket) => void = () => undefined,
  host = '0.0.0.0',
): Promise<{ port: number; close: () => Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined); // probes end by RST
    socket.on('close', () => open.delete(socket));
    talk(socket);
  });
  await listening(server, port, host);
  server.unref();
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  return { port: (server.address() as { port: number }).port, close };
}

/** Resolves when the server listens; rejects when it can't. */
export function listening(server: Server | HttpServer, port = 0, host = '127.0.0.1'): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 4096 }, resolve);
  });
}

/** The children of a process, by name. */
export function childrenOf(pid: number): { pid: number; name: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const [, name = '', parent] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
      return Number(parent) === pid ? [{ pid: Number(entry), name }] : [];
    } catch {
      return []; // not a process, or one that has just ended
    }
  });
}

/** Runs a command to its end; throws with what it said. */
export function run(command: string, input = ''): string {
  const [program = '', ...argv] = command.split(' ');
  const r = spawnSync(program, argv, { encoding: 'utf8', input });
  if (r.status !== 0) throw new Error(`${command}: ${r.stderr || String(r.error ?? r.stdout)}`);
  return r.stdout;
}

const CLONE_NEWNS = 0x0002_0000;
const CLONE_NEWNET = 0x4000_0000;

/**
 * Moves this process (its main thread, and every thread and child made from now on) into a network and mount namespace of its
 * own, with `lo` up and its own /sys and /run/netns: nothing is left behind, however the process ends. Needs root.
 */
export function enterOwnNetwork(): void {
  const unshare = koffi.load('libc.so.6').func('int unshare(int)') as (flags: number) => number;
  if (unshare(CLONE_NEWNS | CLONE_NEWNET) !== 0) throw new Error(`unshare: errno ${koffi.errno()}; these tests need root`);
  run('mount --make-rprivate /');
  run('mount -t sysfs sysfs /sys');
  run('mount -t tmpfs tmpfs /run');
  run('ip link set lo up');
}
