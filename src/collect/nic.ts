/**
 * nic: the kernel devices behind the plan's NICs and what is below them, from /sys/class/net, /proc/net/bonding and
 * /proc/net/softnet_stat. About 25 files a device, read one after another in a thread of Node's pool.
 */
import * as z from 'zod';
import { readProc } from '../sys/procfs.ts';
import { readNames } from '../sys/sysfs.ts';
import { type CollectContext, collector, type Evidence, type PortEvidence, type Reading, type Source } from './collector.ts';
import { isKernelEnd } from './nic/device.ts';
import { NIC_METRICS } from './nic/metrics.ts';
import { type NicData, publishNics, type ReadNic } from './nic/publish.ts';
import { parseSoftnet, SoftnetCount } from './nic/softnet.ts';
import { type Roots, StackReader } from './nic/stack.ts';

const KERNEL: Roots = { net: '/sys/class/net', proc: '/proc/net' };

const schema = z.strictObject({
  softnet: z.boolean().default(true).describe("read the kernel's counters per CPU: packets taken, dropped, left waiting"),
});

export class NicSource implements Source<NicData> {
  readonly #softnet: boolean;
  readonly #context: Pick<CollectContext, 'nics'>;
  readonly #roots: Roots;
  readonly #count = new SoftnetCount();

  constructor(settings: z.output<typeof schema>, context: Pick<CollectContext, 'nics'>, roots = KERNEL) {
    this.#softnet = settings.softnet;
    this.#context = context;
    this.#roots = roots;
  }

  async read(signal: AbortSignal): Promise<Reading<NicData>> {
    const nics = this.#context.nics();
    if (nics.length === 0) return { state: 'absent', reason: 'no NIC is configured; name a configuration with --config' };
    const { net, proc } = this.#roots;
    const reader = new StackReader(this.#roots, signal);
    const read: ReadNic[] = [];
    for (const nic of nics) read.push({ nic, stack: await reader.read(nic.device) });
    if (read.every(({ stack }) => stack.device === undefined) && (await readNames(net, signal)).length === 0) {
      return { state: 'failed', reason: `${net} is empty or missing: mount sysfs in the network namespace of the agent` };
    }
    const softnet = this.#softnet ? ((await readProc(`${proc}/softnet_stat`, signal)) ?? '') : '';
    return { state: 'data', data: { nics: read, softnet: this.#count.follow(parseSoftnet(softnet)) } };
  }

  close(): void {}
}

/**
 * Rates of NICs that carry the traffic themselves. With `dataplane` another collector knows the port, and what the kernel counts
 * is only what DPDK hands up; the same goes for a DPDK port's kernel end whose port the config does not name.
 */
function portOf({ nic, stack: { device } }: ReadNic): readonly PortEvidence[] {
  if (device === undefined || nic.dataplane !== undefined || isKernelEnd(device)) return [];
  const { rx_packets: rxPackets, tx_packets: txPackets } = device.statistics;
  if (rxPackets === undefined || txPackets === undefined) return [];
  return [{ port: nic.device, rxPackets, txPackets, epoch: device.ifindex }];
}

export const nic = collector({
  name: 'nic',
  summary: 'kernel devices of the NICs and below: state, speed, counters, bonds, LACP, per-CPU backlog',
  schema,
  interval: 5000,
  timeout: 2000,
  staleAfter: 15_000,
  metrics: NIC_METRICS,
  open: (settings, context) => new NicSource(settings, context),
  publish: publishNics,
  // No `link`: the link monitor sees the kernel's carrier within milliseconds (R2).
  evidence: ({ nics }: NicData): Evidence => ({ ports: nics.flatMap(portOf) }),
});
