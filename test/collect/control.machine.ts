/** A machine for the collector `control`: files of the kernel, and a driver that answers ethtool. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ControlData, ControlSource, control } from '../../src/collect/control.ts';
import type { QueueAnswers } from '../../src/collect/control/part.ts';
import type { CollectedNic } from '../../src/collect/collector.ts';
import { Output } from '../../src/collect/output.ts';
import { type AskEthtool, EthtoolError } from '../../src/sys/ethtool.ts';
import { parseAttributes } from '../../src/sys/netlink.ts';
import { values } from './dpvs-fake.ts';

const FIXTURES = new URL('../fixtures/control/', import.meta.url);
export const recorded = (file: string) => readFileSync(new URL(file, FIXTURES), 'latin1');

/** Recorded attributes of one netlink answer. */
export const answered = (file: string) => parseAttributes(Buffer.from(recorded(file).trim(), 'hex'));

export interface MadeRule {
  readonly location: number;
  readonly queue: bigint;
  /** Flow type of linux/ethtool.h. */
  readonly type: number;
  /** Values and masks of the flow's union, each at most 52 bytes. */
  readonly value: Buffer;
  readonly mask: Buffer;
}

/** A struct ethtool_rxnfc with the rule, as a driver fills it; offsets printed by offsetof with Debian's linux/ethtool.h. */
export function rxnfc({ location, queue, type, value, mask }: MadeRule): Buffer {
  const bytes = Buffer.alloc(192);
  bytes.writeUInt32LE(type, 16);
  value.copy(bytes, 20);
  mask.copy(bytes, 92);
  bytes.writeBigUInt64LE(queue, 168);
  bytes.writeUInt32LE(location, 176);
  return bytes;
}

/** A rule for IPv4: parts that are left out are not compared. */
export function flow4(
  type: number,
  parts: { readonly source?: string; readonly destination?: string; readonly from?: number; readonly to?: number },
): Pick<MadeRule, 'type' | 'value' | 'mask'> {
  const value = Buffer.alloc(52);
  const mask = Buffer.alloc(52);
  const host = (at: number, text: string | undefined) => {
    if (text === undefined) return;
    Buffer.from(text.split('.').map(Number)).copy(value, at);
    mask.fill(0xff, at, at + 4);
  };
  const port = (at: number, number: number | undefined) => {
    if (number === undefined) return;
    value.writeUInt16BE(number, at);
    mask.fill(0xff, at, at + 2);
  };
  host(0, parts.source);
  host(4, parts.destination);
  port(8, parts.from);
  port(10, parts.to);
  return { type, value, mask };
}

/** What ethtool answers for the rules and the RSS table of a device; undefined: EOPNOTSUPP. */
export function driver(rules: readonly MadeRule[] | undefined, table?: readonly number[]): AskEthtool {
  return (device, command, into) => {
    const size = table?.length ?? 0;
    if (command === 'GRXFHINDIR' && table !== undefined) {
      if (into.readUInt32LE(4) === size) for (const [i, queue] of table.entries()) into.writeUInt32LE(queue, 8 + 4 * i);
      into.writeUInt32LE(size, 4);
      return;
    }
    if (command === 'GRXFHINDIR' || rules === undefined) throw new EthtoolError(device, 'EOPNOTSUPP');
    if (command === 'GRXCLSRULE') {
      const found = rules.find(({ location }) => location === into.readUInt32LE(176));
      if (found === undefined) throw new EthtoolError(device, 'EINVAL');
      rxnfc(found).copy(into, 4, 4);
      return;
    }
    into.writeUInt32LE(rules.length, 184);
    if (command === 'GRXCLSRLALL') for (const [i, { location }] of rules.entries()) into.writeUInt32LE(location, 188 + 4 * i);
  };
}

const u32 = (...numbers: readonly number[]) => Buffer.from(new Uint32Array(numbers).buffer);
/** Netlink's answers of a NIC with so many combined queues and that table. */
export const queues = (count: number, table?: readonly number[]): QueueAnswers => ({
  channels: new Map([[9, u32(count)]]),
  rss: table === undefined ? undefined : new Map([[4, u32(...table)]]),
});

export class Machine {
  readonly dir = mkdtempSync(join(tmpdir(), 'fourlane-control-'));
  readonly nics: CollectedNic[] = [];
  readonly output = new Output();
  answers: readonly QueueAnswers[] | Error = [];
  ask: AskEthtool = driver(undefined);
  peer = '192.0.2.1';
  settings = { ports: [179, 3784], addresses: [] as string[] };

  write(path: string, text: string): void {
    const file = join(this.dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Drivers' directories and everything below are there; `/proc/net/udp` is empty. */
  plain(): void {
    this.write('proc/net/udp', 'sl\n');
  }

  async read(): Promise<ControlData> {
    const roots = { net: join(this.dir, 'net'), proc: join(this.dir, 'proc'), nodes: join(this.dir, 'nodes') };
    const uplinks = this.nics.map(({ name: nic }) => ({ nic, peer: this.peer, vrf: 'default', families: ['ipv4' as const] }));
    const context = { nics: () => this.nics, edge: () => ({ bgp: { uplinks, vips: [] } }) };
    const { answers } = this;
    const source = new ControlSource(this.settings, context, {
      roots,
      queues: async () => {
        if (answers instanceof Error) throw answers;
        return answers;
      },
      ethtool: () => ({ ask: this.ask, close: () => undefined }),
    });
    const reading = await source.read(new AbortController().signal);
    if (reading.state !== 'data') throw new Error(`${reading.state}: ${reading.reason}`);
    this.output.take((samples) => control.publish(reading.data, samples));
    return reading.data;
  }

  /** Series of a family that are not 0, by labels. */
  shown(family: string): Record<string, number> {
    return Object.fromEntries(Object.entries(values(this.output, family)).filter(([, value]) => value !== 0));
  }

  close(): void {
    rmSync(this.dir, { recursive: true });
  }
}
