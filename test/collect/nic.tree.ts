/** A copy of /sys/class/net and /proc/net that tests can change, and readings of it. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CollectedNic } from '../../src/collect/collector.ts';
import { NicSource, nic as nicCollector } from '../../src/collect/nic.ts';
import type { NicData } from '../../src/collect/nic/publish.ts';
import { STATISTICS } from '../../src/collect/nic/device.ts';
import { Output } from '../../src/collect/output.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/nic');
export const recording = (name: string) => readFileSync(join(FIXTURES, `${name}.txt`), 'latin1');

export interface FakeDevice {
  readonly ifindex: number;
  readonly driver?: string;
  /** Names of devices it is stacked on. */
  readonly lower?: readonly string[];
  /** Attributes that differ from a healthy one. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** What every counter shows. */
  readonly count?: string;
}

export class Tree {
  readonly dir = mkdtempSync(join(tmpdir(), 'fourlane-nic-'));
  readonly roots = { net: join(this.dir, 'net'), proc: join(this.dir, 'proc') };
  readonly nics: CollectedNic[] = [];
  readonly source = new NicSource({ softnet: true }, { nics: () => this.nics }, this.roots);
  readonly output = new Output();

  constructor() {
    mkdirSync(join(this.roots.proc, 'bonding'), { recursive: true });
    mkdirSync(this.roots.net);
    cpSync(join(FIXTURES, 'softnet.txt'), join(this.roots.proc, 'softnet_stat'));
  }

  device(name: string, { ifindex, driver, lower = [], attributes = {}, count = '0' }: FakeDevice): void {
    const at = join(this.roots.net, name);
    rmSync(at, { recursive: true, force: true });
    for (const queue of ['rx-0', 'tx-0', 'tx-1']) mkdirSync(join(at, 'queues', queue), { recursive: true });
    mkdirSync(join(at, 'statistics'));
    const all = {
      ifindex: String(ifindex),
      flags: '0x1003',
      carrier: '1',
      carrier_down_count: '1',
      operstate: 'up',
      speed: '10000',
      duplex: 'full',
      mtu: '1500',
      ...attributes,
    };
    for (const [file, text] of Object.entries(all)) this.write(`net/${name}/${file}`, `${text}\n`);
    for (const file of STATISTICS) this.write(`net/${name}/statistics/${file}`, `${count}\n`);
    for (const l of lower) symlinkSync(`../${l}`, join(at, `lower_${l}`));
    if (driver !== undefined) {
      mkdirSync(join(at, 'device'));
      symlinkSync(`../../bus/drivers/${driver}`, join(at, 'device/driver'));
    }
  }

  /** A bond of two devices as the recording has it, named as there. */
  bond(name: string, recorded: string): void {
    this.write(`proc/bonding/${name}`, recording(recorded));
  }

  write(path: string, text: string): void {
    const file = join(this.dir, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }

  remove(name: string): void {
    rmSync(join(this.roots.net, name), { recursive: true });
  }

  async read(): Promise<NicData> {
    const reading = await this.source.read(new AbortController().signal);
    if (reading.state !== 'data') throw new Error(`${reading.state}: ${reading.reason}`);
    this.output.take((samples) => nicCollector.publish(reading.data, samples));
    return reading.data;
  }

  /** Series of the last reading that begin so, as `labels value`. */
  series(family: string): string[] {
    const found = this.output.families().find((f) => f.name === `fourlane_${family}`);
    return (found?.rows ?? []).map((row, i) => `${row.join(' ')} ${Number(found!.values[i])}`);
  }

  /** Those of them that are not 0: the present states. */
  present(family: string): string[] {
    return this.series(family).filter((s) => !s.endsWith(' 0'));
  }

  close(): void {
    rmSync(this.dir, { recursive: true });
  }
}
