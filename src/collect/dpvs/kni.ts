/**
 * The way of control traffic through DPVS: addresses whose packets are steered to the KNI core (KNI_LIST,
 * include/conf/kni.h), and
 * the NUMA nodes of cores and ports. Pure.
 */
import type { CollectedNic } from '../collector.ts';
import type { ControlState } from '../control-metrics.ts';
import { address } from './address.ts';
import type { ControlPath, CoreReading, Details, PortReading } from './data.ts';
import { atLeast, entries } from './wire.ts';

const ADDRESS_FLOW = 1;
const ENTRY = 40;

/** struct kni_conf_param, packed: u32 type@0, device[16]@4, i32 family@20, address[16]@24. */
export function encodeKniList(port: string): Buffer {
  const body = Buffer.alloc(ENTRY);
  body.writeUInt32LE(ADDRESS_FLOW, 0);
  body.write(port.slice(0, 15), 4, 'latin1');
  return body;
}

/** i32 count, then as many struct kni_conf_param. @returns addresses. @throws DecodeError */
export function decodeKniList(body: Buffer): string[] {
  atLeast('KNI_LIST', body, 4);
  return entries('KNI_LIST', body, { front: 4, size: ENTRY, count: body.readInt32LE(0) }, (at) =>
    address(body.readInt32LE(at + 20), body, at + 24),
  );
}

/** u8 of -1: the port does not say. */
const NO_NODE = 255;

/** For each NIC of the configuration whose port DPVS has: its other end is the kernel's, so control traffic comes by it. */
export function controlPaths(
  nics: readonly CollectedNic[],
  ports: readonly PortReading[],
  cores: readonly CoreReading[],
  { queues, sockets, kniFlows }: Pick<Details, 'queues' | 'sockets' | 'kniFlows'>,
): readonly ControlPath[] {
  const hasKniCore = cores.some(({ role }) => role === 'kni');
  return nics.flatMap(({ name: nic, dataplane }): ControlPath[] => {
    const port = ports.find(({ basic }) => basic.name === dataplane);
    if (port === undefined) return [];
    const { name, socket } = port.basic;
    const state = kniState(hasKniCore, kniFlows.get(name));
    if (socket === NO_NODE) return [{ nic, state }];
    const polls = (lcore: number) => (queues.get(lcore) ?? []).some((queue) => queue.startsWith(`${name}:rx`));
    const astray = [...sockets].filter(([lcore, node]) => node !== socket && polls(lcore)).map(([lcore]) => lcore);
    return [{ nic, state, astray }];
  });
}

/** Without a core for KNI, workers take control traffic among the rest, and the master passes it on. */
function kniState(hasKniCore: boolean, flows: readonly string[] | undefined): ControlState {
  if (!hasKniCore) return 'shared';
  if (flows === undefined) return 'unknown';
  return flows.length === 0 ? 'shared' : 'isolated';
}
