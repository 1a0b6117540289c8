/** Growth: the same rate of checks with 1 000, 10 000 and 100 000 cells; lateness; and 60 000 real servers × 2 NICs. */
import { floor, ours, type OurSample, type PacedSample, startServer } from './peers.ts';
import { mostlyGood, type Precondition, type Row } from './row.ts';

const RATE = 8000;
const LATE_RATE = 10_000;
const BIG = { cells: 120_000, intervalMs: 5000, lanes: 2 };

/** @param server compiled server  @param program compiled floor */
export async function scale(server: string, program: string): Promise<Row[]> {
  const running = await startServer(server);
  try {
    return [...(await growth()), await lateness(program), ...(await big(running.pid))];
  } finally {
    running.stop();
  }
}

const good = (whose: string, samples: readonly PacedSample[]): Precondition[] => samples.map((s) => mostlyGood(whose, s));

/** The one with the least CPU: a neighbour's burst must not decide. */
const best = (runs: readonly OurSample[]) => runs.toSorted((a, b) => a.us - b.us)[0]!;

async function growth(): Promise<Row[]> {
  const at = async (cells: number) => {
    const load = { mode: 'tcp', cells, intervalMs: (cells / RATE) * 1000, seconds: 4 } as const;
    const runs = [await ours(load), await ours(load)];
    const { us, late_p99_ms, rss_mb } = best(runs);
    console.log(
      `  ${cells} cells at ${RATE}/s: ${us.toFixed(1)} µs, p99 lateness ${late_p99_ms} ms, RSS ${rss_mb.toFixed(0)} MB`,
    );
    return runs;
  };
  const [small, middle, large] = [await at(1000), await at(10_000), await at(100_000)];
  const row = (cells: string, runs: readonly OurSample[]): Row => ({
    what: `CPU per check at ${cells} cells`,
    value: best(runs).us,
    unit: 'µs',
    calibration: { what: 'at 1 000 cells', value: best(small).us, times: 1.15 },
    needs: [...good(`${cells} cells`, runs), ...good('1 000 cells', small)],
  });
  return [
    row('100 000', large),
    row('10 000', middle),
    {
      what: 'memory per cell (100 000 against 1 000)',
      value: ((best(large).rss_mb - best(small).rss_mb) * 1e6) / 99_000 / 1024,
      limit: 1,
      unit: 'KiB',
      needs: [...good('100 000 cells', large), ...good('1 000 cells', small)],
    },
  ];
}

/** Ours and the C floor at one rate, taking turns; of each the better run. */
async function lateness(program: string): Promise<Row> {
  const mine: OurSample[] = [];
  const plain: PacedSample[] = [];
  for (let round = 0; round < 2; round++) {
    plain.push(await floor(program, 'tcp', LATE_RATE, 4));
    mine.push(await ours({ mode: 'tcp', cells: LATE_RATE, intervalMs: 1000, seconds: 4 }));
  }
  const least = (runs: readonly PacedSample[]) => Math.min(...runs.map((s) => s.late_p99_ms ?? Infinity));
  return {
    what: `lateness of a start at ${LATE_RATE} checks/s on one lane, p99`,
    value: least(mine),
    limit: 5,
    unit: 'ms',
    calibration: { what: 'C floor at that rate, p99', value: least(plain), times: 2, plus: 2 },
    needs: [...good('ours', mine), ...good('C floor', plain)],
  };
}

async function big(serverPid: number): Promise<Row[]> {
  const two = await ours({ mode: 'tcp', ...BIG, seconds: 6, kill: serverPid });
  const due = (BIG.cells * 1000) / BIG.intervalMs;
  const held = (two.per_second * two.ok) / two.probes;
  console.log(`  60 000 real servers × 2 NICs at 5 s: ${two.per_second.toFixed(0)}/s, p99 lateness ${two.late_p99_ms} ms`);
  const what = '60 000 real servers × 2 NICs';
  const needs = good('before the kill', [two]);
  return [
    // Failed checks are not held: that share itself is judged here.
    {
      what: `${what}, 5 s interval: share of good checks missing`,
      value: Math.max(0, 1 - held / due),
      limit: 0.01,
      unit: '',
      needs,
    },
    {
      what: `${what}: all dead, until classified`,
      value: two.dead_ms === null ? null : two.dead_ms / 1000,
      limit: (2 * BIG.intervalMs) / 1000 + 3,
      unit: 's',
      needs: [...needs, { what: 'no verdict on the whole agent before the kill', holds: two.armed === true }],
    },
    { what: `${what}: RSS`, value: two.rss_mb, limit: 300, unit: 'MB', needs },
    { what: `${what}: results dropped`, value: two.dropped, limit: 0, unit: '', needs },
  ];
}
