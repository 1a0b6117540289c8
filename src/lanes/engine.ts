/**
 * One lane's engine: starts probes when they are due, follows them on one epoll, and writes every result to the board. It
 * never blocks: sockets are non-blocking, epoll is polled from the tick, everything else is arithmetic.
 */
import { checkKinds } from '../checks/index.ts';
import type { AsyncCheck, Judgement, SocketCheck } from '../checks/kind.ts';
import {
  type Board,
  CELLS,
  DURATION_BOUNDS,
  durationAt,
  hold,
  HEARTBEAT,
  IN_FLIGHT,
  LATE_BOUNDS,
  lateAt,
  outcomeAt,
  push,
  release,
  type RingEntry,
} from '../model/board.ts';
import { observe } from '../model/histogram.ts';
import { causeCode, LATE, LOCAL_ERROR, OK, OK_SLOW, type ProbeResult, phaseCode } from '../model/outcome.ts';
import type { CellBatch } from '../model/messages.ts';
import type { CheckProfile } from '../model/plan.ts';
import { Epoll } from '../sys/epoll.ts';
import type { Binding } from '../sys/socket.ts';
import { clearScope, SOCKADDR_SIZE, unpackSockaddr } from '../sys/sockaddr.ts';
import { Cells, IDLE, LATE_START, RUNNING, UNVERIFIED } from './cells.ts';
import { Conversation } from './conversation.ts';
import { BURST, BurstBudget, confirming, firstStart, jittered, nextStreak, valence } from './schedule.ts';
import { Wheel } from './wheel.ts';

/** A tick gap above this is a stall: what was in flight and is not good proves nothing (attribution.md, section 3). */
const STALL_MS = 100;
const LATE_SHARE = 0.25;

export interface EngineOptions {
  readonly nic: string;
  readonly device: string;
  readonly binding: Binding;
  readonly board: Board;
  readonly clock: () => number;
  readonly random: () => number;
  readonly certificate: (cell: number, generation: number, notAfterMs: number) => void;
}

export class Engine {
  readonly #o: EngineOptions;
  readonly #epoll = new Epoll();
  readonly #cells = new Cells(64);
  readonly #wheel: Wheel;
  readonly #talk: Conversation;
  readonly #burst = new BurstBudget();
  readonly #entry: RingEntry = {
    cell: 0,
    generation: 0,
    outcome: 0,
    phase: 0,
    cause: 0,
    detail: 0,
    t: 0,
    rttUs: 0,
    elapsedUs: 0,
  };
  #now: number;
  #expected: number;
  #stalledAt = -1;
  #stallMs = 0;
  #inFlight = 0;
  /** Start of the newest probe: while it is young the lane ticks every ms. */
  #newest = 0;

  constructor(options: EngineOptions) {
    this.#o = options;
    this.#now = options.clock();
    this.#expected = this.#now;
    this.#wheel = new Wheel(64, this.#now);
    hold(options.board, this.#epoll.fd);
    this.#talk = new Conversation(this.#cells, this.#epoll, options.binding, options.board, (cell, judgement, rttUs) =>
      this.#finish(cell, judgement, rttUs),
    );
  }

  /** Adds, replaces and removes cells; others are not touched. */
  update(add: CellBatch, remove: Int32Array): void {
    this.#now = this.#o.clock();
    for (const cell of remove) this.#remove(cell);
    for (let i = 0; i < add.cell.length; i++) {
      const at = i * SOCKADDR_SIZE;
      this.#add(add.cell[i]!, add.generation[i]!, add.profiles[add.profile[i]!]!, add.sockaddrs.subarray(at, at + SOCKADDR_SIZE));
    }
    this.#o.board.header[CELLS] = this.#cells.count;
  }

  #add(cell: number, generation: number, profile: CheckProfile, sockaddr: Uint8Array): void {
    if (this.#cells.present(cell)) this.#remove(cell);
    const capacity = this.#cells.reserve(cell + 1);
    this.#wheel.grow(capacity);
    const cells = this.#cells;
    cells.count++;
    cells.kind[cell] = checkKinds.findIndex((checkKind) => checkKind.name === profile.type);
    cells.generation[cell] = generation;
    cells.profile[cell] = profile;
    cells.interval[cell] = profile.interval;
    this.#burst.change(1000 / profile.interval);
    cells.timeout[cell] = profile.timeout;
    cells.fall[cell] = profile.fall;
    cells.rise[cell] = profile.rise;
    cells.streak[cell] = 0;
    cells.flags[cell] = 0;
    cells.sockaddrs.set(sockaddr, cell * SOCKADDR_SIZE);
    // A bound socket has its scope from the device, whatever index that has by then: it may be another device.
    if (this.#o.binding.device !== undefined) clearScope(cells.sockaddr(cell));
    cells.nominal[cell] = firstStart(cell, profile.interval, this.#now);
    this.#wheel.schedule(cell, cells.nominal[cell]!);
  }

  #remove(cell: number): void {
    if (!this.#cells.present(cell)) return;
    this.#wheel.cancel(cell);
    this.#burst.change(-1000 / this.#cells.interval[cell]!);
    if (this.#cells.state[cell] !== IDLE) {
      this.#inFlight--;
      this.#talk.abandon(cell);
    }
    this.#cells.clear(cell);
  }

  /** Marks cells whose route could not be verified: they answer `path_unverified` instead of probing. */
  setUnverified(cell: number, unverified: boolean): void {
    if (!this.#cells.present(cell)) return;
    this.#cells.flags[cell] = unverified ? this.#cells.flags[cell]! | UNVERIFIED : this.#cells.flags[cell]! & ~UNVERIFIED;
  }

  /** One turn: take what is ready, then expire and start what is due. @returns ms until the next turn is needed. */
  tick(): number {
    this.#now = this.#o.clock();
    const gap = this.#now - this.#expected;
    if (gap > STALL_MS) {
      this.#stalledAt = this.#now;
      this.#stallMs = gap;
    }
    // Answers first: after a stall they are there, although the deadline has passed.
    const more = this.#talk.look();
    this.#epoll.poll(this.#talk.ready);
    this.#wheel.advance(this.#now, this.#due);
    const { header } = this.#o.board;
    header[HEARTBEAT] = this.#now | 0;
    header[IN_FLIGHT] = this.#inFlight;
    const pause =
      more || (this.#inFlight > 0 && this.#now - this.#newest < 5)
        ? 1
        : this.#wheel.idleFor(this.#now, this.#inFlight > 0 ? 5 : 20);
    this.#expected = this.#now + pause;
    return pause;
  }

  readonly #due = (cell: number, due: number): void => {
    if (this.#cells.state[cell] === IDLE) this.#start(cell, due);
    else this.#talk.expire(cell);
  };

  #start(cell: number, due: number): void {
    const cells = this.#cells;
    const now = this.#o.clock();
    const lateness = Math.max(0, now - due);
    observe(this.#o.board.counters, lateAt(this.#o.board), LATE_BOUNDS, lateness / 1000);
    cells.flags[cell] =
      lateness > LATE_SHARE * cells.interval[cell]! ? cells.flags[cell]! | LATE_START : cells.flags[cell]! & ~LATE_START;
    cells.started[cell] = now;
    cells.sequence[cell] = (cells.sequence[cell]! + 1) | 0;
    this.#inFlight++;
    this.#newest = now;
    this.#wheel.schedule(cell, now + cells.timeout[cell]!);
    if ((cells.flags[cell]! & UNVERIFIED) !== 0) {
      this.#finish(cell, { outcome: LOCAL_ERROR, phase: phaseCode('route'), cause: causeCode('path_unverified'), detail: 0 }, 0);
      return;
    }
    const check = cells.check[cell] ?? this.#prepare(cell);
    if ('run' in check) this.#run(cell, check);
    else this.#talk.start(cell, check);
  }

  #prepare(cell: number): SocketCheck | AsyncCheck {
    const cells = this.#cells;
    const check = checkKinds[cells.kind[cell]!]!.prepare(cells.profile[cell]!, unpackSockaddr(cells.sockaddr(cell)));
    cells.check[cell] = check;
    return check;
  }

  #run(cell: number, check: AsyncCheck): void {
    const cells = this.#cells;
    const sequence = cells.sequence[cell]!;
    const generation = cells.generation[cell]!;
    const controller = new AbortController();
    cells.state[cell] = RUNNING;
    cells.rest[cell] = controller;
    // The check keeps its own deadline; the wheel's, later, only guards against a check that forgets it.
    this.#wheel.schedule(cell, this.#now + cells.timeout[cell]! + 1000);
    const current = () => this.#cells.present(cell) && cells.sequence[cell] === sequence && cells.generation[cell] === generation;
    const context = {
      nic: this.#o.nic,
      device: this.#o.device,
      binding: this.#o.binding,
      sockaddr: cells.sockaddr(cell).slice(),
      timeoutMs: cells.timeout[cell]!,
      signal: controller.signal,
      certificate: (notAfterMs: number) => current() && this.#o.certificate(cell, generation, notAfterMs),
    };
    check.run(context).then(
      (probeResult: ProbeResult) =>
        current() && cells.state[cell] === RUNNING && this.#finish(cell, probeResult, probeResult.rttUs),
      // A check never rejects: one that does is defective. An unhandled rejection ends this thread, and main starts it again.
      (error: unknown) => {
        throw error;
      },
    );
  }

  /** Ends the probe in flight: result to the board, next start to the wheel. */
  #finish(cell: number, judgement: Judgement, rttUs: number): void {
    const cells = this.#cells;
    const now = this.#o.clock();
    const elapsed = now - cells.started[cell]!;
    const doubtful = (cells.flags[cell]! & LATE_START) !== 0 || cells.started[cell]! <= this.#stalledAt;
    const good = judgement.outcome === OK || judgement.outcome === OK_SLOW;
    const entry = this.#entry;
    const late = doubtful && !good && judgement.outcome !== LOCAL_ERROR;
    entry.cell = cell;
    entry.generation = cells.generation[cell]!;
    entry.outcome = late ? LATE : judgement.outcome;
    entry.phase = judgement.phase;
    entry.cause = late ? causeCode('late') : judgement.cause;
    entry.detail = late ? Math.round(this.#stallMs) : judgement.detail;
    entry.t = now;
    entry.rttUs = rttUs;
    entry.elapsedUs = elapsed * 1000;
    const { board } = this.#o;
    push(board, entry);
    const kind = cells.kind[cell]!;
    board.counters[outcomeAt(kind, entry.outcome)]! += 1;
    observe(
      board.counters,
      durationAt(kind),
      DURATION_BOUNDS,
      good && rttUs > 0 && entry.phase === CONNECT ? rttUs / 1e6 : elapsed / 1000,
    );
    cells.state[cell] = IDLE;
    cells.rest[cell] = undefined;
    cells.exchange[cell] = undefined;
    this.#inFlight--;
    this.#reschedule(cell, entry.outcome, now);
  }

  #reschedule(cell: number, outcome: number, now: number): void {
    const cells = this.#cells;
    const interval = cells.interval[cell]!;
    const streak = nextStreak(cells.streak[cell]!, valence(outcome));
    cells.streak[cell] = streak;
    let nominal = cells.nominal[cell]!;
    if (confirming(streak, cells.fall[cell]!, cells.rise[cell]!) && this.#burst.take(now))
      nominal = cells.started[cell]! + interval / BURST;
    else
      do nominal += interval;
      while (nominal < now);
    cells.nominal[cell] = nominal;
    this.#wheel.schedule(cell, Math.max(now, jittered(nominal, interval, this.#o.random())));
  }

  /** Abandons everything in flight and frees the epoll. */
  close(): void {
    for (let cell = 0; cell < this.#cells.capacity; cell++) this.#remove(cell);
    release(this.#o.board, this.#epoll.fd);
    this.#epoll.close();
  }
}

const CONNECT = phaseCode('connect');
