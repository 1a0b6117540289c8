/**
 * One measured run of our own prober in a process of its own: `node ours.ts tcp|http CELLS INTERVAL_MS SECONDS PORT0 PORTS [LANES
 * [SERVER_PID]]`. Prints JSON, see `OurSample`. With a pid it kills that server after the measurement, and reports how long it
 * took until everything was classified.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkKinds } from '../../src/checks/index.ts';
import { judge } from '../../src/judge/judge.ts';
import { initial } from '../../src/judge/initial.ts';
import { Lanes } from '../../src/lanes/lanes.ts';
import { LATE_BOUNDS, lateAt, outcomeAt } from '../../src/model/board.ts';
import type { CheckProfile, Plan, Target } from '../../src/model/plan.ts';
import { topologyOf } from '../../src/model/topology.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { quantileIn } from './calibration.ts';
import type { OurSample } from './peers.ts';

const [
  type = 'tcp',
  cells = '8000',
  interval = '1000',
  seconds = '5',
  port0 = '20000',
  ports = '100',
  lanes = '1',
  serverPid = '',
] = process.argv.slice(2);
const T = Number(interval);
const timing = { interval: T, timeout: Math.min(500, T), fall: 3, rise: 2 };
const profile: CheckProfile =
  type === 'tcp'
    ? { type, ...timing }
    : { type, method: 'GET', path: '/', headers: {}, status: [[200, 299]], maxBody: 65536, ...timing };

const targets: Target[] = Array.from({ length: Number(cells) / Number(lanes) }, (_, i) => {
  const address = { family: 4, ip: '127.0.0.1', port: Number(port0) + (i % Number(ports)) } as const;
  return { id: `rs${i}`, key: `rs${i}`, realServer: `rs${i}`, address, check: profile };
});
const nics = Array.from({ length: Number(lanes) }, (_, i) => ({
  name: `lane${i}`,
  device: 'lo',
  group: `g${i}`,
  anchors: [],
  onFail: [],
}));
const plan = { nics, targets, services: [], rules: {} } as unknown as Plan;

const probing = new Lanes({ clock: monotonicMs, log: (level, message, fields) => console.error(level, message, fields) });
await probing.apply(plan);
const state = initial(topologyOf(plan), monotonicMs());
let killedAt = Infinity;
let deadAt = Infinity;
const pass = () => {
  const { decisions } = judge(state, { results: probing.collect(), observations: [] }, monotonicMs());
  if (deadAt < Infinity || monotonicMs() < killedAt) return;
  if (decisions.transitions.some((t) => t.verdict === 'ALL_RS_DOWN' || t.verdict === 'AGENT_ISOLATED')) deadAt = monotonicMs();
};
const passes = setInterval(pass, Math.min(100, T / 10));
await sleep(T + 1000);

const kind = checkKinds.findIndex((k) => k.name === type);
const sum = (at: number) => probing.all.reduce((n, l) => n + l.board.counters[at]!, 0);
const read = () => ({
  ok: sum(outcomeAt(kind, 0)),
  all: Array.from({ length: 9 }, (_, o) => sum(outcomeAt(kind, o))).reduce((a, b) => a + b, 0),
  late: Array.from({ length: LATE_BOUNDS.length + 1 }, (_, b) => sum(lateAt(probing.all[0]!.board) + b)),
});
const before = read();
const cpu = process.cpuUsage();
const t0 = performance.now();
await sleep(Number(seconds) * 1000);
const used = process.cpuUsage(cpu);
const after = read();
const elapsed = (performance.now() - t0) / 1000;
let armed: boolean | null = null;
if (serverPid !== '') {
  pass();
  armed = state.agent.verdict === '';
  killedAt = monotonicMs();
  process.kill(Number(serverPid), 'SIGKILL');
  while (deadAt === Infinity && monotonicMs() - killedAt < 60_000) await sleep(20);
}
clearInterval(passes);

const probes = after.all - before.all;
const late = after.late.map((n, i) => n - before.late[i]!);
const result: OurSample = {
  probes,
  ok: after.ok - before.ok,
  us: (used.user + used.system) / probes,
  per_second: probes / elapsed,
  late_p99_ms: quantileIn(late, LATE_BOUNDS, 0.99) * 1000,
  rss_mb: process.memoryUsage.rss() / 1e6,
  armed,
  // NaN and Infinity are null in JSON.
  dead_ms: deadAt - killedAt,
  dropped: probing.dropped().reduce((a, b) => a + b, 0),
};
console.log(JSON.stringify(result));
await probing.stop();
