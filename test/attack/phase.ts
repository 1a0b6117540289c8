/** A phase of an attack or its control: some good real servers die, and how soon that is found is measured. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentProcess, until } from '../system/harness.ts';
import { grown, histogram, quantile } from './histogram.ts';

export interface Phase {
  /** From death to verdict, in seconds, sorted; Infinity = never. */
  readonly detection: readonly number[];
  /** Of the judge's passes, in seconds. */
  readonly p99: number;
  readonly restarts: number;
  readonly peakMb: number;
}

export interface Course {
  readonly agent: AgentProcess;
  /** Text of /metrics, by whichever door the attacker leaves open. */
  readonly metrics: () => Promise<string>;
  /** Who dies: as their verdicts name them. */
  readonly dying: readonly string[];
  readonly kill: () => unknown;
  /** At least; longer when they are found later. */
  readonly ms: number;
}

const LIMIT_MS = 20_000;

const rssMb = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000;

/** Runs it. */
export async function measure({ agent, metrics, dying, kill, ms }: Course): Promise<Phase> {
  const before = await metrics();
  let peakMb = 0;
  const watch = setInterval(() => (peakMb = Math.max(peakMb, rssMb(agent.pid))), 100);
  const from = Date.now();
  await kill();
  const named = (address: string) =>
    agent.log.find((line) => line['verdict'] === 'RS_DOWN' && new RegExp(`\\b${address}\\b`).test(line.message));
  await until('all named', LIMIT_MS, () => dying.every(named)).catch(() => undefined);
  const detection = dying.map((address) => {
    const line = named(address);
    return line === undefined ? Infinity : (Date.parse(String(line['time'])) - from) / 1000;
  });
  await sleep(Math.max(0, ms - (Date.now() - from)));
  clearInterval(watch);
  const after = await metrics();
  const period = grown(histogram(before, 'fourlane_judge_period_seconds'), histogram(after, 'fourlane_judge_period_seconds'));
  const restarts = [...after.matchAll(/^fourlane_lane_restarts_total\{.*\} (\d+)$/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
  return { detection: detection.toSorted((a, b) => a - b), p99: quantile(period, 0.99), restarts, peakMb };
}

const median = (sorted: readonly number[]) => sorted[sorted.length >> 1]!;
const round = (value: number) => Math.round(value * 100) / 100;

/** A phase in words. */
export const say = ({ detection, p99, peakMb }: Phase) =>
  `dead → named ${median(detection).toFixed(2)} s, worst ${detection.at(-1)!.toFixed(2)} s; period p99 ≤ ${p99 * 1000} ms; ` +
  `${peakMb.toFixed(0)} MB`;

/** Throws when the attack can't be compared with this. */
export function assertControl(control: Phase): void {
  if (!(control.detection.at(-1)! < 3)) throw new Error(`the control is no good: ${say(control)}`);
}

/** What of the second phase is not as the first one wants it. */
export function missesOf(control: Phase, now: Phase): string[] {
  const bounds: readonly (readonly [string, number, number])[] = [
    // A tick of the judge more; the worst of seven also falls on its interval by chance.
    ['median detection', median(now.detection), 1.5 * median(control.detection) + 0.1],
    ['worst detection', now.detection.at(-1)!, 1.5 * control.detection.at(-1)! + 0.25],
    ['lane restarts', now.restarts, 0],
    ['period p99', now.p99, 2 * control.p99],
    ['RSS, MB', now.peakMb, control.peakMb + 100],
  ];
  return bounds
    .filter(([, value, most]) => !(value <= most))
    .map(([what, value, most]) => `${what} ${round(value)} > ${round(most)}`);
}
