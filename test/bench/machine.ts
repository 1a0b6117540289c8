/** How quick this machine is right now, so that a slow neighbour and a regression can be told apart. */
import { cpus, loadavg, release } from 'node:os';
import { percentile, plainPass, timesOf } from './calibration.ts';
import { floor, startServer } from './peers.ts';
import { mostlyGood, QUICK_FLOOR_US, QUICK_PASS_MS, type Precondition } from './row.ts';

const RATE = 8000;
const CELLS = 120_000;

/** One look at the machine. */
export interface Machine {
  /** CPU of one C connect at 8 000/s, µs. */
  readonly floorUs: number;
  /** Median of the plain pass over 120 000 cells, ms. */
  readonly passMs: number;
  readonly load: number;
  readonly good: Precondition;
}

/** Takes some 3 s. @param server compiled server  @param program compiled floor */
export async function look(server: string, program: string): Promise<Machine> {
  const load = loadavg()[0]!;
  const running = await startServer(server);
  try {
    const sample = await floor(program, 'tcp', RATE, 2);
    const pass = plainPass(CELLS);
    timesOf(pass, 100);
    return { floorUs: sample.us, passMs: percentile(timesOf(pass, 200), 0.5), load, good: mostlyGood('C floor', sample) };
  } finally {
    running.stop();
  }
}

/** Whether absolute limits are to be met: the machine was quick before and after. */
export function isQuick(looks: readonly Machine[]): boolean {
  return looks.every(({ floorUs, passMs, good }) => good.holds && floorUs <= QUICK_FLOOR_US && passMs <= QUICK_PASS_MS);
}

/** The machine in two lines of text. @param looks first and last of a run */
export function describe(looks: readonly Machine[]): string {
  const list = (of: (m: Machine) => string) => looks.map(of).join(' → ');
  const quick = isQuick(looks)
    ? 'quick: limits and ratios decide'
    : `above ${QUICK_FLOOR_US} µs or ${QUICK_PASS_MS} ms: of rows with a calibration its ratio decides`;
  const date = new Date().toISOString().slice(0, 10);
  return [
    `Machine: ${cpus().length} × ${cpus()[0]!.model}, Linux ${release()}, Node ${process.version}, ${date}`,
    `Calibration before and after: C connect floor ${list((m) => m.floorUs.toFixed(1))} µs at ${RATE}/s, ` +
      `plain pass over ${CELLS} cells ${list((m) => m.passMs.toFixed(2))} ms (${quick}), ` +
      `load ${list((m) => m.load.toFixed(1))}`,
  ].join('\n');
}
