/** CPU per check: floor, peers and ours taking turns in one run. */
import { blackbox, floor, type Mode, netConnect, nodeFloor, ours, type Sample, startServer } from './peers.ts';
import { mostlyGood, type Row } from './row.ts';

const RATE = 8000;
/** Requests to blackbox_exporter in one round. */
const REQUESTS = 2000;

export interface Comparison {
  readonly mode: Mode;
  readonly rounds: number;
  /** Times the floor, in C or in Node, that a check of ours may cost. */
  readonly timesFloor: number;
  readonly timesBlackbox: number;
}

/**
 * Alternates the probers of one mode and compares the best round of each: a neighbour's burst makes a round worse, never better.
 * @param server compiled server  @param program compiled floor
 */
export async function compare(server: string, program: string, o: Comparison): Promise<Row[]> {
  const { mode, rounds } = o;
  const running = await startServer(server);
  const samples = new Map<string, Sample[]>();
  const add = async (name: string, sample: Promise<Sample | undefined>) => {
    const s = await sample;
    if (s !== undefined) samples.set(name, [...(samples.get(name) ?? []), s]);
  };
  try {
    for (let round = 0; round < rounds; round++) {
      await add('C floor at the same rate', floor(program, mode, RATE, 3));
      await add('C floor at full speed', floor(program, mode, 0, 3));
      await add('floor in Node at the same rate', nodeFloor(mode, RATE, 3));
      await add('ours', ours({ mode, cells: RATE, intervalMs: 1000, seconds: 4 }));
      if (mode === 'tcp') await add('net.connect', netConnect(RATE, 3));
      await add('blackbox_exporter', blackbox(mode, REQUESTS));
    }
  } finally {
    running.stop();
  }
  const best = (name: string) => Math.min(...samples.get(name)!.map((s) => s.us));
  for (const name of samples.keys()) console.log(`  ${mode} ${name}: ${best(name).toFixed(1)} µs CPU per check`);
  if (!samples.has('blackbox_exporter'))
    console.log('  blackbox_exporter is not installed: apt-get install prometheus-blackbox-exporter');
  const times = (peer: string) => (peer === 'net.connect' ? 1 : peer === 'blackbox_exporter' ? o.timesBlackbox : o.timesFloor);
  return [...samples.keys()]
    .filter((name) => name !== 'ours')
    .map((peer) => ({
      what: `CPU per ${mode} check`,
      value: best('ours'),
      unit: 'µs',
      calibration: { what: peer, value: best(peer), times: times(peer) },
      needs: ['ours', peer].flatMap((name) => samples.get(name)!.map((s) => mostlyGood(name, s))),
    }));
}
