/**
 * What a reading takes a routing daemon, beside what its own list of sessions takes it in the same seconds: where that is slow,
 * the machine is, and not the reading.
 */
import { BirdSocket } from '../../src/routing/bird/socket.ts';
import { Vty } from '../../src/routing/frr/vty.ts';
import { until } from './harness.ts';
import { BIRD_SOCKET, cpuMs, frrFolder, type Kind, pidOf } from './bgp-lab.ts';

/** ms of the daemon's CPU, on a machine on which its list of ten sessions takes it no more than `LIST_MS`. */
const READING_MS = 5;
const LIST_MS: Readonly<Record<Kind, number>> = { frr: 0.5, bird: 0.14 };

export interface ReadingCost {
  /** ms of the daemon's CPU. */
  readonly reading: number;
  readonly list: number;
  readonly limit: number;
}

interface Asker {
  run(): Promise<unknown>;
  ask(command: string, signal: AbortSignal): Promise<unknown>;
  close(): void;
}

const LISTS: Readonly<Record<Kind, { readonly open: () => Asker; readonly command: string }>> = {
  frr: { open: () => new Vty(`${frrFolder('lf')}/bgpd.vty`, 'bgpd'), command: 'show bgp vrf all neighbors json' },
  bird: { open: () => new BirdSocket(BIRD_SOCKET), command: 'show protocols all' },
};

/** Mean of so many readings, and of as many lists, taking turns. */
export async function costOf(kind: Kind, times: number, read: () => Promise<unknown>): Promise<ReadingCost> {
  const { open, command } = LISTS[kind];
  const asker = open();
  const signal = AbortSignal.timeout(60_000);
  const running = asker.run();
  await until(`${kind} answers`, 5000, async () => (await asker.ask(command, signal)) !== undefined);
  const pid = pidOf(kind);
  const sums = { reading: 0, list: 0 };
  const add = async (to: keyof typeof sums, work: () => Promise<unknown>) => {
    const before = cpuMs(pid);
    await work();
    sums[to] += (cpuMs(pid) - before) / times;
  };
  for (let i = 0; i < times; i++) {
    await add('reading', read);
    await add('list', () => asker.ask(command, signal));
  }
  asker.close();
  await running;
  return { ...sums, limit: READING_MS * Math.max(1, sums.list / LIST_MS[kind]) };
}
