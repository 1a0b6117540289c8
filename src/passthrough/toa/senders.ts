/** The TOA options that one verification sends: each is asked of the kernel once, and all are given back at its end. */
import type { PassthroughOption } from '../../model/plan.ts';
import { close } from '../../sys/libc.ts';
import type { ToaProgram } from './program.ts';
import { type Sending, startSending } from './sender.ts';

/** Addresses for documentation (RFC 5737, RFC 3849), as whom requests come. */
export const TEST_CLIENT = { 4: '192.0.2.77', 6: '2001:db8::77' } as const;
const TEST_PORT = 40_077;

/** Descriptors that are open, 0 = none: whoever ends the thread with them closes what it left. */
export type Held = Int32Array<SharedArrayBuffer>;

/** Room for `size` descriptors. */
export const newHeld = (size: number): Held => new Int32Array(new SharedArrayBuffer(4 * size));

/** Closes what is open still. */
export function closeHeld(held: Held): void {
  for (let k = 0; k < held.length; k++) {
    const link = Atomics.exchange(held, k, 0);
    if (link > 0) close(link);
  }
}

export class Senders {
  readonly #held: Held;
  readonly #start: (program: ToaProgram) => Promise<Sending>;
  readonly #begun = new Map<string, Promise<Sending>>();

  /** @param held room for a descriptor for each job */
  constructor(held: Held, start = startSending) {
    this.#held = held;
    this.#start = start;
  }

  /** Resolves to why the option can't be sent; undefined: connections with its mark carry it. Never rejects. */
  async missing(option: PassthroughOption, family: 4 | 6): Promise<string | undefined> {
    const key = `${option.kind} ${option.mark} ${family}`;
    const sending = this.#begun.get(key) ?? this.#begin({ ...option, family, ip: TEST_CLIENT[family], port: TEST_PORT });
    this.#begun.set(key, sending);
    const started = await sending;
    return 'missing' in started ? started.missing : undefined;
  }

  async #begin(program: ToaProgram): Promise<Sending> {
    const place = this.#begun.size;
    const started = await this.#start(program);
    if ('link' in started) Atomics.store(this.#held, place, started.link);
    return started;
  }

  close(): void {
    closeHeld(this.#held);
    this.#begun.clear();
  }
}
