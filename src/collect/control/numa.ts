/**
 * NUMA: whether what serves a NIC is on the NIC's own node: the CPUs that take its interrupts, and memory. From sysfs and
 * /proc/irq. Cores of DPVS are the collector dpvs's: it knows which core polls which port.
 */
import { readProc } from '../../sys/procfs.ts';
import { readAttribute, readNames } from '../../sys/sysfs.ts';
import { NUMA_MISPLACED } from '../control-metrics.ts';
import { hardwareBelow } from './hardware.ts';
import { NUMA_NODE } from './metrics.ts';
import { part, type Roots } from './part.ts';

export interface NicNode {
  readonly nic: string;
  readonly device: string;
  readonly node: number;
  /** Its interrupts that CPUs of other nodes take. */
  readonly astray: readonly { readonly irq: number; readonly cpus: string }[];
  /** Whether the node has memory of its own. */
  readonly memory: boolean;
}

/** `0-3,8` as numbers; nothing for what is no such list. */
export function numbersOf(list: string): readonly number[] {
  return list.split(',').flatMap((range) => {
    const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range.trim()) ?? [];
    if (from === undefined) return [];
    return Array.from({ length: Math.max(0, Number(to ?? from) - Number(from) + 1) }, (_, i) => Number(from) + i);
  });
}

interface Node {
  readonly cpus: ReadonlySet<number>;
  readonly memory: boolean;
}

export const numa = part<readonly NicNode[]>({
  name: 'numa',
  async read({ nics, roots }, signal) {
    const nodes = await readNodes(roots, signal);
    if (nodes.size < 2) return { state: 'absent', reason: `${roots.nodes} shows ${nodes.size} node: nothing can be misplaced` };
    const read: NicNode[] = [];
    for (const nic of nics)
      for (const device of await hardwareBelow(roots.net, nic.device, signal)) {
        const node = Number(await readAttribute(`${roots.net}/${device}/device/numa_node`, signal));
        const own = nodes.get(node);
        if (own === undefined) continue;
        read.push({ nic: nic.name, device, node, memory: own.memory, astray: await astray(roots, device, own.cpus, signal) });
      }
    if (read.length > 0) return { state: 'data', data: read };
    return { state: 'absent', reason: 'no NIC has hardware whose node is known' };
  },
  publish(list, samples) {
    for (const [nic, devices] of Map.groupBy(list, (one) => one.nic)) {
      // Members of a bond may be on different nodes: then there is no node of the NIC.
      const nodes = new Set(devices.map(({ node }) => node));
      if (nodes.size === 1) samples.gauge(NUMA_NODE, [nic], devices[0]!.node);
      const interrupts = devices.reduce((sum, device) => sum + device.astray.length, 0);
      samples.gauge(NUMA_MISPLACED, ['kernel', nic, 'interrupts'], interrupts);
      samples.gauge(NUMA_MISPLACED, ['kernel', nic, 'memory'], Number(devices.some(({ memory }) => !memory)));
    }
  },
});

async function readNodes({ nodes }: Roots, signal: AbortSignal): Promise<ReadonlyMap<number, Node>> {
  const found = new Map<number, Node>();
  for (const name of await readNames(nodes, signal)) {
    const number = /^node(\d{1,4})$/.exec(name)?.[1];
    if (number === undefined) continue;
    const cpus = numbersOf((await readAttribute(`${nodes}/${name}/cpulist`, signal)) ?? '');
    const memory = /MemTotal:\s+(\d+)/.exec((await readAttribute(`${nodes}/${name}/meminfo`, signal)) ?? '')?.[1];
    found.set(Number(number), { cpus: new Set(cpus), memory: Number(memory ?? 0) > 0 });
  }
  return found;
}

/** Interrupts of the device none of whose CPUs is one of these. */
async function astray({ net, proc }: Roots, device: string, cpus: ReadonlySet<number>, signal: AbortSignal) {
  const found: { irq: number; cpus: string }[] = [];
  for (const name of await readNames(`${net}/${device}/device/msi_irqs`, signal)) {
    const list = (await readProc(`${proc}/irq/${name}/effective_affinity_list`, signal))?.trim() ?? '';
    if (list !== '' && !numbersOf(list).some((cpu) => cpus.has(cpu))) found.push({ irq: Number(name), cpus: list });
  }
  return found;
}
