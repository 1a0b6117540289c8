/**
 * dpdk: every DPDK process of this machine, over its telemetry v2 socket: packet latency and loops per core (where the
 * application keeps the contract of docs/dpdk.md), cycles, rings, mempools, ports. The v1 socket is not used: each query of it
 * leaks memory in the process.
 */
import * as z from 'zod';
import { Once } from '../model/change-log.ts';
import { type CollectContext, collector, type Evidence, type Reading, type Source } from './collector.ts';
import { type Down, Instance, type Up } from './dpdk/instance.ts';
import { DPDK_METRICS, INFO, PORT_LINK, PORT_SPEED, UP } from './dpdk/metrics.ts';
import { matcher, patterns } from './patterns.ts';
import { portEvidence, publishProcess } from './dpdk/publish.ts';
import type { Choice } from './dpdk/reader.ts';
import { contract } from './telemetry/commands.ts';
import type { Found } from './telemetry/discover.ts';
import { Sockets, socketSettings } from './telemetry/sockets.ts';

const schema = z.strictObject({
  ...socketSettings,
  rings: patterns()
    .default(['*'])
    .describe('rings whose fill is read, as patterns with *; those of mempools, MP_…, only when named so'),
  mempools: patterns().default(['*']).describe('memory pools whose fill is read, as patterns with *'),
  xstats: patterns()
    .default([])
    .describe('statistics of the port drivers that are read, as patterns with *, such as rx_q*_errors'),
});

interface DpdkData {
  readonly up: readonly Up[];
  readonly down: readonly Down[];
}

class DpdkSource implements Source<DpdkData> {
  readonly #sockets: Sockets;
  readonly #choice: Choice;
  readonly #context: CollectContext;
  readonly #instances = new Map<string, Instance>();
  /** Directories that can't be read while others can. */
  readonly #unreadable: Once;

  constructor(settings: z.output<typeof schema>, context: CollectContext) {
    this.#unreadable = new Once((problem) => context.log('warn', `collector dpdk: ${problem}`));
    const { rings, xstats } = settings;
    this.#sockets = new Sockets(settings);
    const ring = matcher(rings);
    const ofPools = matcher(rings.filter((p) => p.startsWith('MP_')));
    this.#choice = {
      contract: contract(settings.commandPrefix),
      ring: (name) => (name.startsWith('MP_') ? ofPools : ring)(name),
      mempool: matcher(settings.mempools),
      xstat: xstats.length === 0 ? undefined : matcher(xstats),
    };
    this.#context = context;
  }

  async read(signal: AbortSignal): Promise<Reading<DpdkData>> {
    const { sockets, problems } = await this.#sockets.find();
    this.#follow(new Set(sockets.map((s) => s.path)));
    if (sockets.length === 0) {
      if (problems.length > 0) return { state: 'failed', reason: problems.join('; ') };
      return { state: 'absent', reason: `no telemetry socket of a DPDK process in ${this.#sockets.directories.join(', ')}` };
    }
    const instances = sockets.map((found) => this.#instance(found));
    const results = await Promise.all(instances.map((instance) => instance.read(signal)));
    const up = results.filter((r): r is Up => 'pid' in r);
    const down = results.filter((r): r is Down => 'reason' in r);
    if (up.length === 0) return { state: 'failed', reason: [...down.map((d) => d.reason), ...problems].join('; ') };
    instances.forEach((instance, i) => instance.report(results[i]!));
    this.#unreadable.set(problems.join('; '));
    return { state: 'data', data: { up, down } };
  }

  #instance(found: Found): Instance {
    let instance = this.#instances.get(found.path);
    if (instance === undefined) {
      instance = new Instance(found, this.#choice, this.#context);
      this.#instances.set(found.path, instance);
    }
    return instance.found(found);
  }

  run(): Promise<string | undefined> {
    return this.#sockets.run();
  }

  /** Gives up sockets that are no more. */
  #follow(paths: ReadonlySet<string>): void {
    for (const [path, instance] of this.#instances) {
      if (paths.has(path)) continue;
      instance.close();
      this.#instances.delete(path);
    }
  }

  close(): void {
    this.#follow(new Set());
  }
}

export const dpdk = collector({
  name: 'dpdk',
  summary: 'DPDK processes: packet latency and loops per core, cycles, rings, mempools, ports',
  schema,
  interval: 1000,
  timeout: 3000,
  staleAfter: 15_000,
  metrics: DPDK_METRICS,
  existence: { zero: [UP], gone: [INFO, PORT_LINK, PORT_SPEED] },
  open: (settings, context) => new DpdkSource(settings, context),
  publish({ up, down }: DpdkData, samples) {
    for (const process of up) publishProcess(process, samples);
    for (const { source } of down) samples.gauge(UP, [source], 0);
  },
  evidence: ({ up }): Evidence => ({ ports: portEvidence(up) }),
});
