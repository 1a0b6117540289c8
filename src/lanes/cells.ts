/** The lane's table of cells as parallel columns: no object per cell on the hot path. */
import type { Exchange, SocketCheck } from '../checks/kind.ts';
import type { CheckProfile } from '../model/plan.ts';
import { SOCKADDR_SIZE } from '../sys/sockaddr.ts';

export const IDLE = 0;
export const CONNECTING = 1;
export const EXCHANGING = 2;
/** The helper has it. */
export const RUNNING = 3;

/** Bits of `flags`. The probe in flight began late. */
export const LATE_START = 1;
/** The last handshake failed: ask for ICMP errors and their sender. IPv6 reports them to a connecting socket only when asked. */
export const FAILED_BEFORE = 2;
/** Without device binding: the route is not verified. */
export const UNVERIFIED = 4;
/** The last handshake, or the last answer, took longer than a tick: wait for epoll. */
export const FAR = 8;
export const SLOW = 16;
/** The socket in flight is registered with epoll. */
export const WATCHED = 32;
/** Something was retransmitted so far, on an earlier connection or before the helper got the rest: the probe is slow already. */
export const RETRANSMITTED = 64;
/** Has taken long before: its jobs are the patient helper's. */
export const PATIENT = 128;

const ABSENT = -1;

export class Cells {
  capacity: number;
  /** Number of cells in use. */
  count = 0;
  generation: Uint32Array;
  /** Index into checkKinds, or ABSENT. */
  kind: Int8Array;
  /** 1: its checks run by themselves, in the helper. */
  runs: Uint8Array;
  state: Uint8Array;
  fd: Int32Array;
  /** Distinguishes the probe in flight from earlier ones of the same cell. */
  sequence: Int32Array;
  /** Start of the probe in flight, and the nominal start of the next one before jitter: ms. */
  started: Float64Array;
  nominal: Float64Array;
  interval: Float64Array;
  timeout: Float64Array;
  /** Results left in a confirmation burst; streak of equal results: bad negative, good positive. */
  streak: Int8Array;
  fall: Uint8Array;
  rise: Uint8Array;
  /** SO_MARK of its sockets; 0 = none. */
  mark: Uint32Array;
  /** Memory of its checker (`model/checker.ts`), of those that follow one. */
  checker: Uint32Array;
  /** Bits: see LATE_START and following. */
  flags: Uint8Array;
  /** Handshake RTT of the probe in flight, µs. */
  rtt: Uint32Array;
  /** Time that the lane has spent in check code for the probe in flight, and what the cell owes for earlier ones: ms. */
  spent: Float32Array;
  debt: Float32Array;
  sockaddrs: Uint8Array;
  readonly profile: (CheckProfile | undefined)[] = [];
  /** Pages of those that follow a checker: one is asked for at a time. */
  readonly pages: (readonly CheckProfile[] | undefined)[] = [];
  readonly check: (SocketCheck | undefined)[] = [];
  readonly exchange: (Exchange | undefined)[] = [];
  /** Unsent rest of a request. */
  readonly rest: (Buffer | undefined)[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.generation = new Uint32Array(capacity);
    this.kind = new Int8Array(capacity).fill(ABSENT);
    this.runs = new Uint8Array(capacity);
    this.state = new Uint8Array(capacity);
    this.fd = new Int32Array(capacity).fill(-1);
    this.sequence = new Int32Array(capacity);
    this.started = new Float64Array(capacity);
    this.nominal = new Float64Array(capacity);
    this.interval = new Float64Array(capacity);
    this.timeout = new Float64Array(capacity);
    this.streak = new Int8Array(capacity);
    this.fall = new Uint8Array(capacity);
    this.rise = new Uint8Array(capacity);
    this.mark = new Uint32Array(capacity);
    this.checker = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.rtt = new Uint32Array(capacity);
    this.spent = new Float32Array(capacity);
    this.debt = new Float32Array(capacity);
    this.sockaddrs = new Uint8Array(capacity * SOCKADDR_SIZE);
  }

  /** Makes room for at least `needed` cells, doubling. @returns the new capacity. */
  reserve(needed: number): number {
    if (needed <= this.capacity) return this.capacity;
    let capacity = Math.max(64, this.capacity);
    while (capacity < needed) capacity *= 2;
    const grown = new Cells(capacity);
    const columns = [
      'generation',
      'kind',
      'runs',
      'state',
      'fd',
      'sequence',
      'started',
      'nominal',
      'interval',
      'timeout',
      'streak',
      'fall',
      'rise',
      'mark',
      'checker',
      'flags',
      'rtt',
      'spent',
      'debt',
      'sockaddrs',
    ] as const;
    for (const column of columns) {
      grown[column].set(this[column] as never);
      this[column] = grown[column] as never;
    }
    this.capacity = capacity;
    return capacity;
  }

  /** True when the cell is in use. */
  present(cell: number): boolean {
    return cell < this.capacity && this.kind[cell] !== ABSENT;
  }

  /** Takes a cell out of use. */
  clear(cell: number): void {
    this.kind[cell] = ABSENT;
    this.state[cell] = IDLE;
    this.profile[cell] = undefined;
    this.pages[cell] = undefined;
    this.check[cell] = undefined;
    this.exchange[cell] = undefined;
    this.rest[cell] = undefined;
    this.count--;
  }

  /** Copies the packed address of a cell into `into`, which it returns: no view is made per probe. */
  copySockaddr(cell: number, into: Uint8Array): Uint8Array {
    const from = cell * SOCKADDR_SIZE;
    for (let i = 0; i < SOCKADDR_SIZE; i++) into[i] = this.sockaddrs[from + i]!;
    return into;
  }

  /** The packed address of a cell. */
  sockaddr(cell: number): Uint8Array {
    return this.sockaddrs.subarray(cell * SOCKADDR_SIZE, (cell + 1) * SOCKADDR_SIZE);
  }
}
