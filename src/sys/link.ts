/**
 * The link of one kernel network device, as sysfs shows it.
 *
 * `carrier` waits for the kernel's network lock (RTNL), which a driver that resets its card may hold for seconds, so it is read
 * in a thread of Node's pool. `carrier_changes` and `operstate` wait for nothing. The first counts at once what the carrier does,
 * and since that alternates, the carrier follows from one reading of it and the count. Measured with Linux 6.18: a loss that
 * netlink and `operstate` told after 1.04 s, since another link of the machine had changed, was counted at once.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { isNoValue, readAttribute } from './sysfs.ts';

export interface LinkState {
  /** 1: administratively up with carrier. 0: anything else, also a device that does not exist. */
  readonly carrier: 0 | 1;
  /** Kernel operstate, or `absent`. */
  readonly operstate: string;
  /** Carrier changes since the device was made. */
  readonly changes: number;
}

const SYS_NET = '/sys/class/net';
export const ABSENT: LinkState = { carrier: 0, operstate: 'absent', changes: 0 };
const WITHOUT = new Set(['down', 'lowerlayerdown']);
const buffer = Buffer.alloc(64);

/** The text of an attribute that is open, as it is now. */
function textOf(fd: number): string {
  return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0)).trimEnd();
}

interface Files {
  readonly changes: number;
  readonly operstate: number;
}

export class Link {
  readonly #at: string;
  #files: Files | undefined;
  /** The carrier when it had changed so often. */
  #known: { readonly carrier: 0 | 1; readonly changes: number } | undefined;

  /** @param root `/sys/class/net`, or a copy of it */
  constructor(device: string, root = SYS_NET) {
    this.#at = `${root}/${device}`;
  }

  /**
   * Where the link stands; waits for nothing. Undefined when that can't be said: no carrier of it was read yet (`settle`,
   * `verify`), or there is no free descriptor, which proves nothing about a link.
   */
  look(): LinkState | undefined {
    try {
      const { changes: ofChanges, operstate: ofState } = (this.#files ??= this.#open());
      const changes = Number(textOf(ofChanges));
      const operstate = textOf(ofState);
      const carrier = WITHOUT.has(operstate) ? 0 : this.#carrierAt(changes);
      return carrier === undefined ? undefined : { carrier, operstate, changes };
    } catch (error) {
      if (!isNoValue(error)) return undefined;
      this.close();
      return ABSENT;
    }
  }

  /** Whether the carrier has changed since, or the device has gone: one reading of a few µs. */
  hasMoved({ changes }: LinkState): boolean {
    if (this.#files === undefined) return false;
    try {
      return Number(textOf(this.#files.changes)) !== changes;
    } catch {
      return true;
    }
  }

  /** Reads the carrier at once, as a start does: it may wait for the kernel. */
  settle(): void {
    try {
      const before = this.#count();
      this.#learn(before, readFileSync(`${this.#at}/carrier`, 'latin1').trimEnd());
    } catch {
      // Not there, administratively down, or no free descriptor: `look` tells which.
    }
  }

  /**
   * Reads the carrier in another thread, which also makes the kernel (since 6.8) tell what it holds back. Forgets a device that
   * has lost its name. Rejects when it can't be read.
   */
  async verify(signal: AbortSignal): Promise<void> {
    try {
      if (this.#isRenamed()) this.close();
      const before = this.#count();
      const files = this.#files;
      const carrier = await readAttribute(`${this.#at}/carrier`, signal);
      if (this.#files === files) this.#learn(before, carrier);
    } catch (error) {
      if (!isNoValue(error)) throw error;
      this.close();
    }
  }

  /** Forgets the device; the next look opens it anew. */
  close(): void {
    const files = Object.values(this.#files ?? {}) as readonly number[];
    this.#files = undefined;
    this.#known = undefined;
    for (const fd of files) closeSync(fd);
  }

  #open(): Files {
    const changes = openSync(`${this.#at}/carrier_changes`, 'r');
    try {
      return { changes, operstate: openSync(`${this.#at}/operstate`, 'r') };
    } catch (error) {
      closeSync(changes);
      throw error;
    }
  }

  #count(): number {
    return Number(textOf((this.#files ??= this.#open()).changes));
  }

  /** @param before the count when it was read: a carrier that changed meanwhile says nothing */
  #learn(before: number, carrier: string | undefined): void {
    if ((carrier === '0' || carrier === '1') && this.#count() === before)
      this.#known = { carrier: Number(carrier) as 0 | 1, changes: before };
  }

  #carrierAt(changes: number): 0 | 1 | undefined {
    if (this.#known === undefined) return undefined;
    return ((this.#known.carrier + this.#known.changes + changes) % 2) as 0 | 1;
  }

  #isRenamed(): boolean {
    if (this.#files === undefined) return false;
    const named = statSync(`${this.#at}/carrier_changes`, { throwIfNoEntry: false });
    return named?.ino !== fstatSync(this.#files.changes).ino;
  }
}
