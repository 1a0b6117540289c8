/** Growth: the same rate of checks with 1 000, 10 000 and 100 000 cells; and 60 000 real servers × 2 NICs. */
import { ours, startServer } from './peers.ts';
import type { Row } from './row.ts';

const RATE = 8000;

/** CPU per check and memory per cell as cells grow. @param server the compiled server */
export async function scale(server: string): Promise<Row[]> {
  const running = await startServer(server);
  try {
    const at = async (cells: number) => {
      const interval = (cells / RATE) * 1000;
      // Two runs, the better one: a neighbour's burst must not decide.
      const runs = [await ours('tcp', cells, interval, 4), await ours('tcp', cells, interval, 4)];
      const best = runs.sort((a, b) => a.us - b.us)[0]!;
      console.log(
        `  ${cells} cells at ${RATE}/s: ${best.us.toFixed(1)} µs, p99 lateness ≤ ${best['late_p99_ms']} ms, RSS ${best['rss_mb']!.toFixed(0)} MB`,
      );
      return best;
    };
    const small = await at(1000);
    const middle = await at(10_000);
    const large = await at(100_000);
    const lateness = await ours('tcp', 10_000, 1000, 4);
    const two = await ours('tcp', 120_000, 5000, 6, 2, running.pid);
    console.log(
      `  60 000 real servers × 2 NICs at 5 s: ${two['per_second']!.toFixed(0)}/s, RSS ${two['rss_mb']!.toFixed(0)} MB, p99 lateness ≤ ${two['late_p99_ms']} ms`,
    );
    return [
      { what: 'CPU per check at 100 000 cells / at 1 000', value: large.us / small.us, limit: 1.15, unit: '×' },
      { what: 'CPU per check at 10 000 cells / at 1 000', value: middle.us / small.us, limit: 1.15, unit: '×' },
      {
        what: 'memory per cell (100 000 against 1 000)',
        value: ((large['rss_mb']! - small['rss_mb']!) * 1e6) / 99_000 / 1024,
        limit: 1,
        unit: 'KiB',
      },
      {
        what: 'lateness of a start at 10 000 checks/s on one lane, p99 bucket',
        value: lateness['late_p99_ms']!,
        limit: 5,
        unit: 'ms',
      },
      {
        what: '60 000 real servers × 2 NICs, 5 s interval: share of checks not held',
        value: Math.max(0, 1 - two['per_second']! / 24_000),
        limit: 0.01,
        unit: '',
      },
      {
        what: '60 000 real servers × 2 NICs: all dead, until classified (2 intervals + 3 s)',
        value: two['dead_ms']! / 1000,
        limit: 13,
        unit: 's',
      },
      { what: '60 000 real servers × 2 NICs: RSS', value: two['rss_mb']!, limit: 300, unit: 'MB' },
      { what: '60 000 real servers × 2 NICs: results dropped', value: two['dropped']!, limit: 0, unit: '' },
    ];
  } finally {
    running.stop();
  }
}
