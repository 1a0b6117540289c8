/** Packs cells for the journey to a lane. */
import type { CellBatch } from '../model/messages.ts';
import type { Address, CheckProfile } from '../model/plan.ts';
import { packSockaddr, SOCKADDR_SIZE } from '../sys/sockaddr.ts';

/** Collects cells in columns; each profile object travels once. */
export class BatchBuilder {
  readonly #device: string;
  readonly #profiles = new Map<CheckProfile, number>();
  #count = 0;
  #cell = new Int32Array(64);
  #generation = new Uint32Array(64);
  #profile = new Int32Array(64);
  #sockaddrs = new Uint8Array(64 * SOCKADDR_SIZE);

  /** @param device whose scope link-local addresses get */
  constructor(device: string) {
    this.#device = device;
  }

  add(cell: number, generation: number, profile: CheckProfile, address: Address): void {
    if (this.#count === this.#cell.length) this.#grow();
    const i = this.#count++;
    let at = this.#profiles.get(profile);
    if (at === undefined) {
      at = this.#profiles.size;
      this.#profiles.set(profile, at);
    }
    this.#cell[i] = cell;
    this.#generation[i] = generation;
    this.#profile[i] = at;
    packSockaddr(address, this.#sockaddrs, i * SOCKADDR_SIZE, this.#device);
  }

  #grow(): void {
    const capacity = this.#count * 4;
    const larger = <T extends Int32Array | Uint32Array | Uint8Array>(made: T, old: T): T => {
      made.set(old);
      return made;
    };
    this.#cell = larger(new Int32Array(capacity), this.#cell);
    this.#generation = larger(new Uint32Array(capacity), this.#generation);
    this.#profile = larger(new Int32Array(capacity), this.#profile);
    this.#sockaddrs = larger(new Uint8Array(capacity * SOCKADDR_SIZE), this.#sockaddrs);
  }

  /** The batch; the builder is used up. */
  build(): CellBatch {
    const count = this.#count;
    return {
      profiles: [...this.#profiles.keys()],
      cell: this.#cell.slice(0, count),
      generation: this.#generation.slice(0, count),
      profile: this.#profile.slice(0, count),
      sockaddrs: this.#sockaddrs.slice(0, count * SOCKADDR_SIZE),
    };
  }
}
