/**
 * A NIC with what is below it: the device of a VLAN, the members of a bond. Only these are read, however many other devices there
 * are.
 */
import { readProc } from '../../sys/procfs.ts';
import { findNames, readAttribute } from '../../sys/sysfs.ts';
import { type Bond, type BondMember, parseBonding } from './bonding.ts';
import { type Device, isWire, readDevice } from './device.ts';

/** Where the kernel's files are; tests have copies. */
export interface Roots {
  /** `/sys/class/net` */
  readonly net: string;
  /** `/proc/net` */
  readonly proc: string;
}

export interface Member {
  readonly device: Device;
  /** `bond`: a member of it. `stack`: the device that a VLAN or bridge is on. */
  readonly kind: 'bond' | 'stack';
}

export interface Stack {
  /** Left out when there is no such device. */
  readonly device?: Device;
  /** Everything below it, each once, nearest first. */
  readonly members: readonly Member[];
  /** The device itself or those below it that are bonds. */
  readonly bonds: readonly Bond[];
}

/** VLAN on VLAN on bond on NIC, and one more. */
const DEEPEST = 5;
const MOST_MEMBERS = 128;
const LOWER = 'lower_';
/** Directory entries searched for it: a device has some 40 of its own. */
const MOST_ENTRIES = 1024;

/** Reads devices, each once however many NICs are stacked on it. Make a new one for each reading. */
export class StackReader {
  readonly #roots: Roots;
  readonly #signal: AbortSignal;
  readonly #devices = new Map<string, Promise<Device | undefined>>();
  readonly #bonds = new Map<string, Promise<Bond | undefined>>();

  constructor(roots: Roots, signal: AbortSignal) {
    this.#roots = roots;
    this.#signal = signal;
  }

  async read(name: string): Promise<Stack> {
    const device = await this.#device(name);
    if (device === undefined) return { members: [], bonds: [] };
    const members = new Map<string, Member>();
    const bonds: Bond[] = [];
    const below = async (above: Device, depth: number): Promise<void> => {
      const bond = await this.#bond(above.name);
      if (bond !== undefined) bonds.push(bond);
      const names = bond?.members.map((m) => m.name) ?? (await this.#lower(above));
      for (const lower of names) {
        if (lower === name || members.has(lower) || members.size >= MOST_MEMBERS) continue;
        const found = await this.#device(lower);
        if (found === undefined) continue;
        members.set(lower, { device: found, kind: bond === undefined ? 'stack' : 'bond' });
        if (depth < DEEPEST) await below(found, depth + 1);
      }
    };
    await below(device, 1);
    const found = [...members.values()];
    // What is stacked on wires takes its speed from them; without any, it is made up.
    if ([device, ...found.map((m) => m.device)].some(isWire)) return { device, members: found, bonds };
    return { device: wireless(device), members: found.map((m) => ({ ...m, device: wireless(m.device) })), bonds };
  }

  /** Devices that it is stacked on; hardware is on none. */
  async #lower({ name, driver }: Device): Promise<readonly string[]> {
    if (driver !== undefined) return [];
    const entries = await findNames(`${this.#roots.net}/${name}`, LOWER, MOST_ENTRIES, this.#signal);
    return entries.map((e) => e.slice(LOWER.length));
  }

  #device(name: string): Promise<Device | undefined> {
    return once(this.#devices, name, () => readDevice(this.#roots.net, name, this.#signal));
  }

  #bond(name: string): Promise<Bond | undefined> {
    return once(this.#bonds, name, async () => {
      const text = await readProc(`${this.#roots.proc}/bonding/${name}`, this.#signal);
      if (text === undefined) return undefined;
      const bond = parseBonding(name, text);
      return bond.mode === '802.3ad' && bond.aggregator === undefined ? await this.#unprivileged(bond) : bond;
    });
  }

  /** What everybody may read of LACP: sysfs has it, but for the partner's address. */
  async #unprivileged(bond: Bond): Promise<Bond> {
    const number = async (path: string) => {
      const text = await readAttribute(`${this.#roots.net}/${path}`, this.#signal);
      return /^\d{1,5}$/.test(text ?? '') ? Number(text) : undefined;
    };
    const aggregator = await number(`${bond.name}/bonding/ad_aggregator`);
    const members: BondMember[] = [];
    for (const m of bond.members) {
      const actorState = await number(`${m.name}/bonding_slave/ad_actor_oper_port_state`);
      members.push({ ...m, ...(actorState === undefined ? {} : { actorState }) });
    }
    return { ...bond, ...(aggregator === undefined ? {} : { aggregator }), members };
  }
}

function once<T>(made: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
  let promise = made.get(name);
  if (promise === undefined) made.set(name, (promise = make()));
  return promise;
}

function wireless({ speed: _, duplex: __, ...rest }: Device): Device {
  return rest;
}
