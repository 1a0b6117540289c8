/**
 * One lane's engine: starts probes when they are due, follows them on one epoll, and writes every result to the board. It
 * never blocks: sockets are non-blocking, epoll is polled from the tick, what may take long is its helper's, everything else is
 * arithmetic. What a cell costs is charged to the cell.
 */
import { checkKinds } from '../checks/index.ts';
import type { Judgement, SocketCheck, Unexamined } from '../checks/kind.ts';
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
import { causeCode, LATE, LOCAL_ERROR, OK_SLOW, phaseCode, SERVICE_EVIDENCE } from '../model/outcome.ts';
import type { CellBatch, FromLane, Held } from '../model/messages.ts';
import type { CheckProfile } from '../model/plan.ts';
import { Epoll } from '../sys/epoll.ts';
import type { Binding } from '../sys/socket.ts';
import { clearScope, SOCKADDR_SIZE, unpackSockaddr } from '../sys/sockaddr.ts';
import { beginChecker, followChecker } from './checkers.ts';
import { Cells, IDLE, LATE_START, PATIENT, RETRANSMITTED, RUNNING, UNVERIFIED } from './cells.ts';
import { Conversation } from './conversation.ts';
import type { JobEnd, StartHelper } from './helper.ts';
import { Helpers, lost } from './helpers.ts';
import { Meter } from './meter.ts';
import { debtAfter, Quarantine, quarantined } from './quarantine.ts';
import { BURST, BurstBudget, confirming, firstStart, jittered, nextStreak, valence } from './schedule.ts';
import { unverified } from './sockets.ts';
import { Wheel } from './wheel.ts';

/** A tick gap above this is a stall: what was in flight and is not good proves nothing (attribution.md, section 3). */
const STALL_MS = 100;
const LATE_SHARE = 0.25;
const CATCH_UP_MS = 3;
/** A job of the helper keeps its own deadline; this much later it counts as lost, unless its kind needs more. */
const JOB_GRACE_MS = 1000;
/** CPU that a probe may take for nothing, and what its cell may owe before it counts as holding the thread: ms. */
const TERMS = { lane: { allowance: 25, most: 50 }, helper: { allowance: 20, most: 80 } } as const;

export interface EngineOptions {
  readonly nic: string;
  readonly device: string;
  readonly binding: Binding;
  readonly board: Board;
  readonly clock: () => number;
  /** CPU time of this thread, ms. */
  readonly cpu: () => number;
  readonly random: () => number;
  readonly helper: StartHelper;
  readonly report: (message: Extract<FromLane, { readonly type: 'certificate' | 'held' }>) => void;
}

export class Engine {
  readonly #o: EngineOptions;
  readonly #epoll = new Epoll();
  readonly #cells = new Cells(64);
  readonly #wheel: Wheel;
  readonly #meter: Meter;
  readonly #talk: Conversation;
  readonly #helpers: Helpers;
  readonly #quarantine = new Quarantine();
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
  /** A stall that one cell caused: what became due meanwhile starts late by that cell's fault, not by its own. */
  #excused = { from: 0, to: 0 };
  #inFlight = 0;
  /** Start of the newest probe: while it is young the lane ticks every ms. */
  #newest = 0;

  constructor(options: EngineOptions) {
    this.#o = options;
    this.#now = options.clock();
    this.#expected = this.#now;
    this.#wheel = new Wheel(64, this.#now);
    hold(options.board, this.#epoll.fd);
    const { board, binding, clock, cpu } = options;
    const cells = this.#cells;
    this.#meter = new Meter({ board, cells, clock, cpu });
    this.#talk = new Conversation({
      cells,
      epoll: this.#epoll,
      binding,
      board,
      meter: this.#meter,
      finish: (cell, judgement, rttUs) => this.#finish(cell, judgement, rttUs),
      leave: (cell, rest) => this.#leave(cell, rest),
    });
    this.#helpers = new Helpers({
      start: options.helper,
      clock,
      ended: (cell, end) => this.#ended(cell, end),
      certificate: (cell, notAfterMs) =>
        options.report({ type: 'certificate', cell, generation: cells.generation[cell]!, notAfterMs }),
    });
  }

  /** Adds, replaces and removes cells; others are not touched. @param quarantine what an earlier thread knew */
  update(add: CellBatch, remove: Int32Array, quarantine: readonly Held[] = []): void {
    this.#now = this.#o.clock();
    for (const held of quarantine) this.#quarantine.take(held);
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
    const kind = checkKinds.findIndex((checkKind) => checkKind.name === profile.type);
    cells.kind[cell] = kind;
    cells.generation[cell] = generation;
    cells.profile[cell] = profile;
    const { checker } = profile;
    const first = checker && this.#now + beginChecker(cells, cell, checker, this.#o.random());
    cells.runs[cell] = checkKinds[kind]!.runs?.(cells.profile[cell]!) === true ? 1 : 0;
    cells.interval[cell] = profile.interval;
    this.#burst.change(1000 / profile.interval);
    cells.timeout[cell] = profile.timeout;
    cells.fall[cell] = profile.fall;
    cells.rise[cell] = profile.rise;
    cells.mark[cell] = profile.mark ?? 0;
    cells.streak[cell] = 0;
    cells.flags[cell] = 0;
    cells.debt[cell] = 0;
    if (cells.runs[cell] === 1) this.#helpers.prepare();
    cells.sockaddrs.set(sockaddr, cell * SOCKADDR_SIZE);
    // A bound socket has its scope from the device, whatever index that has by then: it may be another device.
    if (this.#o.binding.device !== undefined) clearScope(cells.sockaddr(cell));
    cells.nominal[cell] = first ?? firstStart(cell, profile.interval, this.#now);
    this.#wheel.schedule(cell, cells.nominal[cell]!);
  }

  #remove(cell: number): void {
    if (!this.#cells.present(cell)) return;
    this.#wheel.cancel(cell);
    this.#burst.change(-1000 / this.#cells.interval[cell]!);
    if (this.#cells.state[cell] !== IDLE) {
      this.#inFlight--;
      this.#helpers.cancel(cell);
      this.#talk.abandon(cell);
    }
    this.#quarantine.forget(cell);
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
      if (this.#meter.longest > gap / 2) this.#excused = { from: this.#expected, to: this.#now };
    }
    this.#meter.turn(this.#now);
    // Answers first: after a stall they are there, although the deadline has passed.
    const more = this.#talk.look();
    this.#epoll.poll(this.#talk.ready);
    this.#wheel.advance(this.#now, this.#due);
    this.#catchUp();
    this.#helpers.watch(this.#now);
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

  /**
   * Starts what has become due while others were started: it would be late by a whole turn, and the longer the more a turn has to
   * do. A turn that took long is left for the next one to judge, since it may be a stall.
   */
  #catchUp(): void {
    const now = this.#o.clock();
    if (now - this.#now > CATCH_UP_MS) return;
    this.#now = now;
    this.#wheel.advance(now, this.#dueMeanwhile);
  }

  /** A deadline waits for the next turn: the answer may be there, and is taken first. */
  readonly #dueMeanwhile = (cell: number, due: number): void => {
    if (this.#cells.state[cell] === IDLE) this.#start(cell, due);
    else this.#wheel.schedule(cell, due);
  };

  readonly #due = (cell: number, due: number): void => {
    const state = this.#cells.state[cell];
    if (state === IDLE) this.#start(cell, due);
    else if (state === RUNNING) {
      this.#helpers.cancel(cell);
      this.#finish(cell, lost, 0);
    } else this.#talk.expire(cell);
  };

  #start(cell: number, due: number): void {
    const cells = this.#cells;
    const now = this.#o.clock();
    const lateness = Math.max(0, now - due);
    observe(this.#o.board.counters, lateAt(this.#o.board), LATE_BOUNDS, lateness / 1000);
    const excused = due >= this.#excused.from && due <= this.#excused.to ? this.#excused.to - due : 0;
    cells.flags[cell] =
      lateness - excused > LATE_SHARE * cells.interval[cell]!
        ? (cells.flags[cell]! | LATE_START) & ~RETRANSMITTED
        : cells.flags[cell]! & ~(LATE_START | RETRANSMITTED);
    cells.started[cell] = now;
    cells.sequence[cell] = (cells.sequence[cell]! + 1) | 0;
    cells.spent[cell] = 0;
    this.#inFlight++;
    this.#newest = now;
    this.#wheel.schedule(cell, now + cells.timeout[cell]!);
    const held = this.#quarantine.remaining(cell, cells.generation[cell]!, now);
    if (held > 0) return this.#finish(cell, quarantined(held), 0);
    if ((cells.flags[cell]! & UNVERIFIED) !== 0) return this.#finish(cell, unverified, 0);
    if (cells.runs[cell] === 1) this.#run(cell);
    else this.#talk.start(cell, cells.check[cell] ?? this.#prepare(cell));
  }

  #prepare(cell: number): SocketCheck {
    const cells = this.#cells;
    const check = checkKinds[cells.kind[cell]!]!.prepare(cells.profile[cell]!, unpackSockaddr(cells.sockaddr(cell)));
    cells.check[cell] = check as SocketCheck;
    return check as SocketCheck;
  }

  #run(cell: number): void {
    const sockaddr = this.#cells.sockaddr(cell).slice();
    this.#helpers.run(cell, this.#isPatient(cell), this.#cells.profile[cell]!, sockaddr);
    this.#entrusted(cell);
  }

  #leave(cell: number, rest: Unexamined): void {
    this.#helpers.examine(cell, this.#cells.profile[cell]!, rest);
    this.#entrusted(cell);
  }

  #isPatient(cell: number): boolean {
    return (this.#cells.flags[cell]! & PATIENT) !== 0;
  }

  #entrusted(cell: number): void {
    this.#cells.state[cell] = RUNNING;
    const grace = checkKinds[this.#cells.kind[cell]!]!.graceMs ?? JOB_GRACE_MS;
    this.#wheel.schedule(cell, this.#o.clock() + this.#cells.timeout[cell]! + grace);
  }

  #ended(cell: number, end: JobEnd): void {
    const cells = this.#cells;
    if (end.how === 'lost') return this.#finish(cell, lost, 0);
    if (end.how === 'held') return this.#finish(cell, this.#hold(cell, end.ms, 'helper'), 0);
    const { result, cpuMs, lagMs } = end;
    const runs = cells.runs[cell] === 1;
    if (result.outcome === LATE && !this.#isPatient(cell)) {
      // It will take long: once more, by the helper that has time.
      cells.flags[cell] = cells.flags[cell]! | PATIENT;
      this.#run(cell);
      return;
    }
    const held = this.#charge(cell, cpuMs, 'helper');
    if (isGood(result.outcome)) {
      // A body that the lane received; else all of the probe was the helper's.
      const slow = !runs && (cells.flags[cell]! & RETRANSMITTED) !== 0;
      this.#finish(cell, slow ? { ...result, outcome: OK_SLOW } : result, runs ? result.rttUs : cells.rtt[cell]!);
    } else if (held) this.#finish(cell, held, 0);
    else if (runs && lagMs > LATE_SHARE * cells.timeout[cell]!) this.#finish(cell, { ...lost, detail: Math.round(lagMs) }, 0);
    else this.#finish(cell, result, runs ? result.rttUs : cells.rtt[cell]!);
  }

  /** Charges a probe's cost to its cell. @returns the judgement of a probe that has held its thread */
  #charge(cell: number, ms: number, thread: keyof typeof TERMS): Judgement | undefined {
    const { allowance, most } = TERMS[thread];
    const { debt } = this.#cells;
    if (ms <= allowance && debt[cell] === 0) return undefined;
    if (ms > allowance) this.#cells.flags[cell] = this.#cells.flags[cell]! | PATIENT;
    debt[cell] = debtAfter(debt[cell]!, ms, allowance);
    return debt[cell]! > most ? this.#hold(cell, ms, thread) : undefined;
  }

  #hold(cell: number, ms: number, thread: keyof typeof TERMS): Judgement {
    const now = this.#o.clock();
    const held = this.#quarantine.hold(cell, this.#cells.generation[cell]!, now);
    this.#cells.debt[cell] = 0;
    this.#cells.flags[cell] = this.#cells.flags[cell]! | PATIENT;
    this.#o.report({ type: 'held', held, ms: Math.round(ms), thread });
    return quarantined(held.until - now);
  }

  /** Ends the probe in flight: result to the board, next start to the wheel. */
  #finish(cell: number, end: Judgement, rttUs: number): void {
    const cells = this.#cells;
    const now = this.#o.clock();
    const held = cells.spent[cell]! > 0 ? this.#charge(cell, cells.spent[cell]!, 'lane') : undefined;
    cells.spent[cell] = 0;
    const judgement = held && !isGood(end.outcome) ? held : end;
    const elapsed = now - cells.started[cell]!;
    const doubtful = (cells.flags[cell]! & LATE_START) !== 0 || cells.started[cell]! <= this.#stalledAt;
    const good = isGood(judgement.outcome);
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
    const { checker } = cells.profile[cell]!;
    if (checker !== undefined) {
      const probe = { outcome, started: cells.started[cell]!, ended: now };
      return this.#wheel.schedule(cell, followChecker(cells, cell, checker, probe));
    }
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
    this.#helpers.close();
    release(this.#o.board, this.#epoll.fd);
    this.#epoll.close();
  }
}

const CONNECT = phaseCode('connect');

const isGood = (outcome: number) => SERVICE_EVIDENCE[outcome]! > 0;
