/** For lanes without device binding: verifies, now and every minute, that each target's route leaves by the lane's device. */
import { routeDevices } from '../sys/rtnetlink.ts';

const EVERY_MS = 60_000;

export class RouteGuard {
  readonly #device: string;
  readonly #source: string | undefined;
  readonly #verified: (cell: number, verified: boolean) => void;
  #cells: ReadonlyMap<number, string> = new Map();
  #timer: NodeJS.Timeout | undefined;

  constructor(device: string, source: string | undefined, verified: (cell: number, verified: boolean) => void) {
    this.#device = device;
    this.#source = source;
    this.#verified = verified;
  }

  /** Verifies these cells (address by cell) from now on. A lane without a source address can never be verified. */
  verify(cells: ReadonlyMap<number, string>): void {
    this.#cells = cells;
    clearTimeout(this.#timer);
    const check = async () => {
      if (this.#source !== undefined) {
        const devices = await routeDevices([...cells.values()], this.#source);
        if (this.#cells !== cells) return;
        [...cells.keys()].forEach((cell, i) => this.#verified(cell, devices[i] === this.#device));
      }
      if (this.#cells === cells) this.#timer = setTimeout(() => void check(), EVERY_MS);
    };
    void check();
  }

  stop(): void {
    this.#cells = new Map();
    clearTimeout(this.#timer);
  }
}
