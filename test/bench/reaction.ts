/**
 * Carrier loss → action, in the real agent with 10 000 cells running: two namespaces, two veth pairs, one link cut again and
 * again; the action is a track file. Beside it a plain `ip monitor` in the same namespace, for calibration. Root only. Prints
 * JSON, see `Measured`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { percentile } from './calibration.ts';
import { compile } from './peers.ts';

/** ms from before the `ip` command that cuts the link; every round counts. */
export interface Measured {
  readonly rounds: number;
  readonly median: number;
  readonly worst: number;
  /** Until `ip monitor` showed the carrier lost. */
  readonly monitorMedian: number;
  readonly monitorWorst: number;
  /** Cells by whether they were good before the first cut. */
  readonly ok: number;
  readonly probes: number;
}

const ROUNDS = 25;
const TARGETS = 5000;
/** Longest wait for the monitor's line once the action is done. */
const MONITOR_MS = 2000;
const tag = `flb${process.pid}`;
const [lb, rs] = [`${tag}-lb`, `${tag}-rs`];
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
const main = new URL('../../src/cli/fourlane.mjs', import.meta.url).pathname;
const directory = mkdtempSync(join(existsSync('/run') ? '/run' : tmpdir(), 'fourlane-reaction-'));
const children: ChildProcess[] = [];

function build(): void {
  for (const ns of [lb, rs]) {
    ip('netns', 'add', ns);
    ip('-n', ns, 'link', 'set', 'lo', 'up');
  }
  ip('-n', rs, 'addr', 'add', '10.99.0.1/32', 'dev', 'lo');
  for (const i of [1, 2]) {
    ip('link', 'add', `up${i}`, 'netns', lb, 'type', 'veth', 'peer', 'name', `up${i}`, 'netns', rs);
    ip('-n', lb, 'addr', 'add', `10.${i}.0.1/24`, 'dev', `up${i}`);
    ip('-n', rs, 'addr', 'add', `10.${i}.0.2/24`, 'dev', `up${i}`);
    for (const ns of [lb, rs]) ip('-n', ns, 'link', 'set', `up${i}`, 'up');
  }
  route(1);
  route(2);
}

/** The kernel drops routes with the link that lost its administrative state, so they are set again after each cut. */
function route(i: number): void {
  ip('-n', lb, 'route', 'replace', '10.99.0.1/32', 'via', `10.${i}.0.2`, 'dev', `up${i}`, 'metric', String(100 * i));
}

function config(): string {
  const nic = (i: number) =>
    `  - {name: up${i}, source: 10.${i}.0.1, anchors: ["tcp://10.${i}.0.2:20000"], onFail: [{trackFile: {path: ` +
    `${directory}/up${i}, ok: 0, failed: 1}}]}`;
  const servers = Array.from({ length: TARGETS }, (_, i) => `      - 10.99.0.1:${20_000 + i}`);
  const quick =
    'rules: {nic_hold_down_ms: 0, nic_hold_down_max_ms: 0, nic_recover_ms: 100, nic_recover_loss: 1, flap_limit: 1000}';
  const head = ['listen: 127.0.0.1:9844', `stateDir: ${directory}/state`, quick, 'nics:', nic(1), nic(2), 'services:'];
  return [
    ...head,
    '  - name: web',
    '    vip: 10.0.0.1:80/tcp',
    '    check: {type: tcp, interval: 1s}',
    '    realServers:',
    ...servers,
    '',
  ].join('\n');
}

/** Waits until the track file has this content. @returns when it was written, Unix ms */
async function until(file: string, content: string, limitMs: number): Promise<number> {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    try {
      if (readFileSync(file, 'utf8').trim() === content) return statSync(file).mtimeMs;
    } catch {
      // not written yet
    }
    await sleep(2);
  }
  throw new Error(`${file} did not become ${content} within ${limitMs} ms`);
}

/** A plain reader of the kernel's link events. `lost` is when up1 was last seen without carrier, Unix ms. */
function monitor(): { readonly lost: () => number } {
  const child = spawn('ip', ['netns', 'exec', lb, 'stdbuf', '-oL', 'ip', '-o', 'monitor', 'link'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let lost = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/ up1[@:]/.test(line) && line.includes('NO-CARRIER')) lost = Date.now();
  });
  return { lost: () => lost };
}

/** Cells of both NICs and the good ones, as the agent reports them. */
function cells(): { readonly ok: number; readonly probes: number } {
  const script = "fetch('http://127.0.0.1:9844/metrics').then(async (r) => console.log(await r.text()))";
  const text = execFileSync('ip', ['netns', 'exec', lb, process.execPath, '-e', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const rows = [...text.matchAll(/^fourlane_lane_cells\{.*state="(\w+)".*\} (\d+)$/gm)];
  const sum = (list: typeof rows) => list.reduce((n, m) => n + Number(m[2]), 0);
  return { ok: sum(rows.filter((m) => m[1] === 'ok')), probes: sum(rows) };
}

try {
  build();
  const program = compile('./server.c')!;
  children.push(spawn('ip', ['netns', 'exec', rs, program, '20000', String(TARGETS)], { stdio: 'ignore' }));
  writeFileSync(join(directory, 'fourlane.yaml'), config());
  const agent = ['netns', 'exec', lb, process.execPath, main, 'agent', '--config', join(directory, 'fourlane.yaml')];
  children.push(spawn('ip', agent, { stdio: ['ignore', 'ignore', 'inherit'] }));
  await until(join(directory, 'up1'), '0', 20_000);
  await sleep(5000);
  const before = cells();
  const plain = monitor();
  await sleep(500);
  const times: number[] = [];
  const monitored: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // The clock starts before `ip` does: its 5-10 ms to run are counted against us.
    const t0 = Date.now();
    ip('-n', rs, 'link', 'set', 'up1', 'down');
    times.push((await until(join(directory, 'up1'), '1', 5000)) - t0);
    for (const end = Date.now() + MONITOR_MS; plain.lost() < t0 && Date.now() < end; ) await sleep(2);
    monitored.push(plain.lost() < t0 ? NaN : plain.lost() - t0);
    ip('-n', rs, 'link', 'set', 'up1', 'up');
    await until(join(directory, 'up1'), '0', 30_000);
    await sleep(200 + Math.random() * 200);
  }
  const result: Measured = {
    rounds: times.length,
    median: percentile(times, 0.5),
    worst: Math.max(...times),
    monitorMedian: percentile(monitored, 0.5),
    monitorWorst: Math.max(...monitored),
    ...before,
  };
  if (process.env['FOURLANE_BENCH_ROUNDS']) console.log(times.map((t, i) => `${t.toFixed(0)}/${monitored[i]}`).join(' '));
  console.log(JSON.stringify(result));
} finally {
  for (const child of children) child.kill();
  await sleep(500);
  for (const ns of [lb, rs]) {
    execFileSync('sh', ['-c', `ip netns pids ${ns} 2>/dev/null | xargs -r kill -9; ip netns del ${ns} 2>/dev/null || true`]);
  }
  rmSync(directory, { recursive: true, force: true });
}
