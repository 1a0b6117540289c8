/** Recorded exchanges with the kernel as a netlink channel. Made by test/qemu/guest/record.ts on Linux 6.1. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NetlinkChannel } from '../../src/sys/netlink-socket.ts';

export interface Exchange {
  readonly request: string;
  readonly answers: readonly string[];
}

/** A file of test/fixtures/ipvs-netlink. */
export function recording<T = unknown>(name: string): T & { readonly exchanges: readonly Exchange[] } {
  const path = join(import.meta.dirname, '../fixtures/ipvs-netlink', name);
  return JSON.parse(readFileSync(path, 'utf8')) as T & { readonly exchanges: readonly Exchange[] };
}

/** Takes exactly the recorded requests, in their order, and answers as the kernel did. `mutate` may spoil an answer. */
export class Replay implements NetlinkChannel {
  readonly #exchanges: readonly Exchange[];
  readonly #mutate: (datagram: Buffer) => Buffer;
  #next = 0;
  #answers: string[] = [];
  closed = false;

  constructor(exchanges: readonly Exchange[], mutate = (datagram: Buffer) => datagram) {
    this.#exchanges = exchanges;
    this.#mutate = mutate;
  }

  /** Every recorded request has been made. */
  get finished(): boolean {
    return this.#next === this.#exchanges.length;
  }

  send(bytes: Buffer): void {
    const exchange = this.#exchanges[this.#next++];
    assert.equal(bytes.toString('hex'), exchange?.request);
    this.#answers = [...exchange!.answers];
  }

  receive(): Buffer | undefined {
    const answer = this.#answers.shift();
    return answer === undefined ? undefined : this.#mutate(Buffer.from(answer, 'hex'));
  }

  close(): void {
    this.closed = true;
  }
}
