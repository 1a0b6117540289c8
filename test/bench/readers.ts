/**
 * `npm run bench:readers`: an agent with 60 000 real servers × 2 NICs on one core, without readers, with 20 clients that ask for
 * the page, the status and the series as fast as they can, pipelined, and with bursts that nobody reads. Printed for each: how
 * far judge passes are apart, how fast a dead real server is acted on, and memory. `--real-servers=N`, `--seconds=N` (of a
 * phase); `--json` prints the phases. The agent has the first core for itself, everything else the last one.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, tableOf, verdictOf } from './row.ts';
import { compile, PORT0, PORTS, startServer } from './peers.ts';

const argument = (name: string, value: number) =>
  Number(process.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3) ?? value);
const REAL_SERVERS = argument('real-servers', 60_000);
const SECONDS = argument('seconds', 40);
const CLIENTS = 20;
/** Requests that a client has under way. */
const DEPTH = 16;
/** Passes are a tenth of the shortest interval apart: ms. */
const PERIOD_MS = 100;
const PER_SERVICE = 100;
/** Real servers of our own. Each dies once: one that flaps is held out longer and longer. */
const VICTIMS = 80;
const LISTEN = 19_846;
const main = new URL('../../src/cli/fourlane.mjs', import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), 'fourlane-readers-'));
const children: ChildProcess[] = [];
let pacer = '';

interface Phase {
  readonly name: string;
  /** Of the time from one judge pass to the next: upper bounds of the histogram's buckets, s. */
  readonly p50: number;
  readonly p99: number;
  readonly passes: number;
  /** Of the time from a real server's death to the action: s. */
  readonly reaction: readonly number[];
  readonly peakMb: number;
  readonly endMb: number;
  /** Of one core. */
  readonly judgeCpu: number;
  readonly answers: number;
  /** p99 of the time between two wakes, 100 ms apart, of a program with real-time priority on the agent's core: ms. */
  readonly machine: number;
}

/** Runs a program on one core. */
function on(core: number, program: string, args: readonly string[]): ChildProcess {
  const child = spawn('taskset', ['-c', String(core), program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

/** A listener that can die. */
class Victim {
  readonly address: string;
  #server: Server | undefined;

  constructor(k: number) {
    this.address = `127.9.0.${k + 1}`;
  }

  async live(port: number): Promise<void> {
    const server = createServer((socket) => socket.on('error', () => undefined).destroy());
    await new Promise<void>((resolve) => server.listen({ host: this.address, port }, resolve));
    this.#server = server;
  }

  die(): void {
    this.#server?.close();
  }
}

const VICTIM_PORT = PORT0 + PORTS + 1;
const victims = Array.from({ length: VICTIMS }, (_, k) => new Victim(k));
/** Called with each effect that the agent carries out. */
let acted: (realServer: string, state: string) => void = () => undefined;
const hook = createHttpServer((req, res) => {
  let body = '';
  req.on('data', (chunk: Buffer) => (body += chunk.toString()));
  req.on('end', () => {
    res.end();
    const { effects } = JSON.parse(body) as { effects: { realServer: string; state: string }[] };
    for (const { realServer, state } of effects) acted(realServer, state);
  });
});

function config(hookPort: number): string {
  const address = (j: number) => `127.${10 + (j >> 16)}.${(j >> 8) & 255}.${j & 255}:${PORT0 + (j % PORTS)}`;
  const services = Array.from({ length: Math.ceil(REAL_SERVERS / PER_SERVICE) }, (_, s) => ({
    name: `service-${s}`,
    vip: `10.${s >> 8}.${s & 255}.1:80/tcp`,
    // Confirmed by one result, so that the cold start does not take minutes.
    check: { type: 'tcp', interval: '20s', timeout: '500ms', fall: 1, rise: 1 },
    realServers: Array.from({ length: Math.min(PER_SERVICE, REAL_SERVERS - s * PER_SERVICE) }, (__, k) => ({
      address: address(s * PER_SERVICE + k),
      rack: `r${s % 50}`,
    })),
  }));
  const watched = {
    name: 'victims',
    vip: '10.255.0.1:80/tcp',
    check: { type: 'tcp', interval: '1s', timeout: '500ms' },
    realServers: victims.map((v) => `${v.address}:${VICTIM_PORT}`),
    actuator: { webhook: { url: `http://127.0.0.1:${hookPort}/` } },
  };
  return JSON.stringify({
    listen: `127.0.0.1:${LISTEN}`,
    stateDir: join(directory, 'state'),
    // No limit holds back an action: what is measured is how fast it comes.
    rules: {
      budget_real_servers: 1000,
      budget_fraction: 1,
    },
    collectors: Object.fromEntries(['dpdk', 'dpvs', 'ipvs', 'keepalived', 'logqueue', 'nic'].map((name) => [name, false])),
    nics: [2, 3].map((n) => ({ name: `lo${n}`, device: 'lo', source: `127.0.0.${n}` })),
    services: [...services, watched],
  });
}

const ask = async (path: string) => (await fetch(`http://127.0.0.1:${LISTEN}${path}`)).text();

async function until(what: string, limitMs: number, ready: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(200))
    if (await ready().catch(() => false)) return;
  throw new Error(`void: not within ${limitMs / 1000} s: ${what}`);
}

/** Counts of a histogram by upper bound. */
function buckets(text: string, name: string): Map<number, number> {
  const lines = text.matchAll(new RegExp(`^${name}_bucket\\{.*le="([^"]+)"\\} (\\d+)$`, 'gm'));
  return new Map([...lines].map(([, le, n]) => [le === '+Inf' ? Infinity : Number(le), Number(n)]));
}

function quantile(before: Map<number, number>, after: Map<number, number>, q: number): number {
  const total = after.get(Infinity)! - before.get(Infinity)!;
  for (const [le, n] of after) if (n - before.get(le)! >= q * total) return le;
  return Infinity;
}

const rssMb = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000;

/** CPU of a thread, s. */
function cpuOf(pid: number, tid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

let next = 0;
/** Real servers die one after the other and are acted on. */
async function kill(seconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const victim = victims[next++];
    if (victim === undefined) throw new Error('void: more real servers died than there are');
    await sleep(500 + Math.random() * 1000);
    const out = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`void: no action within 30 s: ${victim.address}`)), 30_000);
      acted = (realServer, state) => {
        if (realServer !== `${victim.address}:${VICTIM_PORT}` || state !== 'disabled') return;
        clearTimeout(timer);
        resolve(performance.now());
      };
    });
    const died = performance.now();
    victim.die();
    times.push(((await out) - died) / 1000);
    await victim.live(VICTIM_PORT);
  }
  return times.toSorted((a, b) => a - b);
}

/** Wakes with real-time priority on the agent's core; `stop` gives the p99 of the time from one wake to the next, ms. */
function pace(): { stop(): number } {
  const child = on(0, 'chrt', ['-f', '50', pacer, String(PERIOD_MS)]);
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    stop: () => {
      child.kill();
      const gaps = text
        .trim()
        .split('\n')
        .map(Number)
        .toSorted((a, b) => a - b);
      return gaps[Math.floor(0.99 * gaps.length)] ?? Number.NaN;
    },
  };
}

async function phase(name: string, pid: number, seconds: number, client?: () => ChildProcess): Promise<Phase> {
  const pacing = pace();
  const before = buckets(await ask('/metrics'), 'fourlane_judge_period_seconds');
  const running = client?.();
  let answers = 0;
  running?.stdout?.on('data', (chunk: Buffer) => (answers = Number(chunk.toString().trim().split('\n').at(-1))));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, rssMb(pid))), 200);
  const [cpu, from] = [cpuOf(pid, pid), performance.now()];
  const reaction = await kill(seconds).finally(() => clearInterval(watch));
  const judgeCpu = ((cpuOf(pid, pid) - cpu) * 1000) / (performance.now() - from);
  const endMb = rssMb(pid);
  running?.kill();
  const machine = pacing.stop();
  const after = buckets(await ask('/metrics'), 'fourlane_judge_period_seconds');
  const passes = after.get(Infinity)! - before.get(Infinity)!;
  const result = { name, p50: quantile(before, after, 0.5), p99: quantile(before, after, 0.99), passes, reaction };
  return { ...result, peakMb: Math.max(peak, endMb), endMb, judgeCpu, answers, machine };
}

const cores = availableParallelism();
const clients = (mode: string) => () =>
  on(cores - 1, process.execPath, [
    new URL('./readers-clients.ts', import.meta.url).pathname,
    mode,
    String(LISTEN),
    String(CLIENTS),
    String(DEPTH),
  ]);

async function measure(): Promise<{ readonly phases: readonly Phase[]; readonly afterMb: number }> {
  spawnSync('taskset', ['-acp', String(cores - 1), String(process.pid)]);
  const program = compile('./server.c');
  pacer = compile('./pacer.c') ?? '';
  if (program === undefined) throw new Error('void: gcc is missing: apt-get install gcc libc6-dev');
  const server = await startServer(program);
  process.once('exit', () => server.stop());
  for (const victim of victims) await victim.live(VICTIM_PORT);
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const file = join(directory, 'fourlane.yaml');
  writeFileSync(file, config((hook.address() as { port: number }).port));
  const agent = on(0, process.execPath, ['--max-semi-space-size=4', main, 'agent', '--config', file, '--log-level', 'warn']);
  agent.stdout!.on('data', (chunk: Buffer) => process.argv.includes('--log') && process.stderr.write(chunk));
  await until('ready', 60_000, async () => (await ask('/-/ready')) === 'ready\n');
  const cells = 2 * (REAL_SERVERS + VICTIMS);
  await until('every check good', 120_000, async () => {
    const text = await ask('/metrics');
    const ok = [...text.matchAll(/^fourlane_lane_cells\{.*state="ok"\} (\d+)$/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
    return ok >= 0.999 * cells;
  });
  // What a monitored agent has anyway: each answer was made before.
  for (const path of ['/', '/api/v1/status', '/metrics']) await ask(path);
  await sleep(25_000);
  const pid = agent.pid!;
  const phases = [
    await phase('no readers', pid, SECONDS),
    await phase(`${CLIENTS} pipelining clients`, pid, SECONDS, clients('pipeline')),
    await phase('bursts that nobody reads', pid, SECONDS, clients('burst')),
  ];
  let afterMb = rssMb(pid);
  for (let k = 0; k < 60; k++) {
    await sleep(1000);
    afterMb = Math.min(afterMb, rssMb(pid));
  }
  if (process.argv.includes('--threads'))
    for (const tid of readdirSync(`/proc/${pid}/task`)) console.error(tid, cpuOf(pid, Number(tid)));
  phases.push(await phase('no readers again', pid, SECONDS));
  return { phases, afterMb };
}

const median = (list: readonly number[]) => list[list.length >> 1] ?? Number.NaN;
const highest = (list: readonly number[]) => list.at(-1) ?? Number.NaN;

function rowsOf(phases: readonly Phase[], afterMb: number): Row[] {
  const [control, ...others] = phases as [Phase, ...Phase[]];
  const keeps = {
    what: `without readers the p99 is at most ${3 * PERIOD_MS} ms (${control.p99 * 1000} ms)`,
    holds: control.p99 * 1000 <= 3 * PERIOD_MS,
  };
  const killed = { what: 'without readers, dead real servers were acted on', holds: control.reaction.length > 2 };
  const rows = others.slice(0, 2).flatMap((p): Row[] => {
    const read = { what: `the clients got answers (${p.answers})`, holds: p.answers >= 100 || p.name.startsWith('bursts') };
    const needs = [read];
    return [
      {
        what: `${p.name}: from one judge pass to the next, p99`,
        value: p.p99 * 1000,
        calibration: { what: 'without readers', value: control.p99 * 1000, times: 2 },
        unit: 'ms',
        needs: [...needs, keeps],
      },
      {
        what: `${p.name}: dead real server → action, median of ${p.reaction.length}`,
        value: median(p.reaction),
        calibration: { what: 'without readers', value: median(control.reaction), times: 1.2, plus: 0.1 },
        unit: 's',
        needs: [...needs, killed],
      },
      {
        what: `${p.name}: RSS above that without readers`,
        value: Math.max(0, p.peakMb - control.peakMb),
        limit: 100,
        unit: 'MB',
        needs,
      },
    ];
  });
  const left = Math.max(0, afterMb - control.peakMb);
  return [
    ...rows,
    { what: 'RSS within a minute after the last reader, above that before', value: left, limit: 30, unit: 'MB', needs: [] },
  ];
}

function report({ phases, afterMb }: Awaited<ReturnType<typeof measure>>): boolean {
  console.log(`${REAL_SERVERS} real servers × 2 NICs, the agent on one core\n`);
  console.log(
    '| phase | passes | period p50 | p99 | dead → acted, median of n | worst | RSS peak | end | main thread | answers | ' +
      'machine |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|---|');
  for (const p of phases) {
    const cells = [
      p.name,
      p.passes,
      `≤ ${p.p50 * 1000} ms`,
      `≤ ${p.p99 * 1000} ms`,
      `${median(p.reaction).toFixed(2)} s of ${p.reaction.length}`,
      `${highest(p.reaction).toFixed(2)} s`,
      `${p.peakMb.toFixed(0)} MB`,
      `${p.endMb.toFixed(0)} MB`,
      `${(100 * p.judgeCpu).toFixed(1)} %`,
      p.answers,
      `${p.machine.toFixed(0)} ms`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const rows = rowsOf(phases, afterMb);
  console.log(`\n${tableOf(rows, true)}`);
  return rows.every((row) => verdictOf(row, true).is === 'pass');
}

try {
  const measured = await measure();
  const passed = report(measured);
  if (process.argv.includes('--json')) console.log(JSON.stringify(measured));
  process.exitCode = passed ? 0 : 1;
} finally {
  for (const child of children) child.kill();
  hook.close();
  for (const victim of victims) victim.die();
  await sleep(500);
  rmSync(directory, { recursive: true, force: true });
}
process.exit();
