/** Readings of kernel LVS, for all collectors that need them: who can do with a recent one does not read again. */
import { runCommand } from '../../sys/child.ts';
import { readProc } from '../../sys/procfs.ts';
import type { CollectContext, Reading } from '../collector.ts';
import { parseCounters, parseDaemons } from './listing.ts';
import { type IpvsData, mergeServices } from './merge.ts';
import { parsePerCpu, parseTable, parseTotals } from './proc.ts';
import { parseSyncSockets } from './sync.ts';

/** Room for 500 000 real servers. */
const MAX_OUTPUT = 64 << 20;
const ENV = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };

export class IpvsReader {
  readonly #ipvsadm: string;
  readonly #clock: () => number;
  #last: { readonly data: IpvsData; readonly at: number } | undefined;

  constructor(ipvsadm: string, clock: () => number) {
    this.#ipvsadm = ipvsadm;
    this.#clock = clock;
  }

  /** The reader that every collector with this program shares. */
  static shared(ipvsadm: string, { share, clock }: Pick<CollectContext, 'share' | 'clock'>) {
    return share(`ipvs ${ipvsadm}`, () => new IpvsReader(ipvsadm, clock));
  }

  /** The last reading with data, if it is not older than this, ms; else another one. */
  async latest(oldest: number, signal: AbortSignal): Promise<Reading<IpvsData>> {
    const last = this.#last;
    if (last !== undefined && this.#clock() - last.at <= oldest) return { state: 'data', data: last.data };
    return this.read(signal);
  }

  async read(signal: AbortSignal): Promise<Reading<IpvsData>> {
    const totals = await readProc('/proc/net/ip_vs_stats', signal);
    if (totals === undefined) return { state: 'absent', reason: 'the kernel module ip_vs is not loaded' };
    const started = this.#clock();
    const counted = parseCounters(await this.#list(['--stats', '--exact'], signal));
    const daemons = parseDaemons(await this.#list(['--daemon'], signal));
    const [table, perCpu, sockets] = await Promise.all([
      readProc('/proc/net/ip_vs', signal),
      readProc('/proc/net/ip_vs_stats_percpu', signal),
      daemons.length === 0 ? '' : readProc('/proc/net/udp', signal),
    ]);
    if (table === undefined || perCpu === undefined) {
      const ms = Math.round(this.#clock() - started);
      return { state: 'failed', reason: `/proc/net/ip_vs went away within ${ms} ms: ip_vs is being unloaded` };
    }
    const data = {
      services: mergeServices(counted, parseTable(table)),
      totals: parseTotals(totals),
      cpus: parsePerCpu(perCpu),
      daemons,
      sync: parseSyncSockets(sockets ?? ''),
    };
    this.#last = { data, at: this.#clock() };
    return { state: 'data', data };
  }

  async #list(options: readonly string[], signal: AbortSignal): Promise<string> {
    const argv = [this.#ipvsadm, '-Ln', ...options] as const;
    const done = await runCommand(argv, { env: ENV, timeoutMs: 60_000, maxOutput: MAX_OUTPUT, signal });
    if (done.ended === 'exit' && done.exitCode === 0) return done.output;
    const remedy = done.ended === 'spawn' ? '; install ipvsadm, or name it with collectors.ipvs.ipvsadm' : '';
    throw new Error(`${argv.join(' ')} ${done.summary}${remedy}`);
  }

  close(): void {
    this.#last = undefined;
  }
}
