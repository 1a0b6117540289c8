/** What happens on the sockets of probes in flight: connect, send, receive, expire. The engine owns time and bookkeeping. */
import { type End, type Judgement, NEXT, RECONNECT, type SocketCheck, type Unexamined, type Wish } from '../checks/kind.ts';
import { type Board, hold, release } from '../model/board.ts';
import { causeCode, L7, LOCAL_ERROR, OK, OK_SLOW, phaseCode } from '../model/outcome.ts';
import { monotonicMs } from '../sys/clock.ts';
import type { Epoll } from '../sys/epoll.ts';
import { connectOutcome, EAGAIN, ECONNRESET, EINPROGRESS, EPIPE } from '../sys/errno.ts';
import {
  close,
  connect,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  errno,
  MSG_NOSIGNAL,
  recv,
  send,
  TCP_ESTABLISHED,
  TCP_SYN_SENT,
} from '../sys/libc.ts';
import { SOCKADDR_SIZE, sockaddrLength } from '../sys/sockaddr.ts';
import { abortOnClose, type Binding, keepIcmpErrors, readTcpInfo, setMark, type TcpInfo, takeError } from '../sys/socket.ts';
import { type Cells, CONNECTING, EXCHANGING, FAILED_BEFORE, FAR, IDLE, RETRANSMITTED, SLOW, WATCHED } from './cells.ts';
import { Inbox } from './inbox.ts';
import type { Meter } from './meter.ts';
import { expiry, noAnswer, noReply, openFor, outcomeOf, retransmitted } from './sockets.ts';

const START = phaseCode('start');
const CONNECT = phaseCode('connect');
const SEND = phaseCode('send');
const RESPONSE = phaseCode('response');
const ERRNO = causeCode('errno');
const CLOSED = causeCode('closed');
/** Buffers, and time in check code, that a cell gets in one turn; and time for all that have more to read. */
const TURNS = 4;
const TURN_MS = 1;
const MORE_MS = 5;
const ALWAYS = 0;
/** Handshakes quicker than this are over by the next turn; answers that came within NEAR_MS of the start likewise. */
const NEAR_US = 700;
const NEAR_MS = 5;

const connected: Judgement = { outcome: OK, phase: CONNECT, cause: 0, detail: 0 };
const connectedSlowly: Judgement = { outcome: OK_SLOW, phase: CONNECT, cause: 0, detail: 0 };

/** Ends a probe: called exactly once per probe; the socket is closed already. */
export type Finish = (cell: number, judgement: Judgement, rttUs: number) => void;

export interface ConversationOptions {
  readonly cells: Cells;
  readonly epoll: Epoll;
  readonly binding: Binding;
  readonly board: Board;
  readonly meter: Meter;
  readonly finish: Finish;
  /** The rest of a probe is for the helper to judge; the socket is closed already. */
  readonly leave: (cell: number, rest: Unexamined) => void;
}

export class Conversation {
  readonly #cells: Cells;
  readonly #epoll: Epoll;
  readonly #binding: Binding;
  readonly #board: Board;
  readonly #meter: Meter;
  readonly #finish: Finish;
  readonly #leave: ConversationOptions['leave'];
  readonly #out = Buffer.alloc(65_536);
  readonly #address = new Uint8Array(SOCKADDR_SIZE);
  readonly #in = new Inbox();
  /** Pairs of (cell, sequence) to look at in the next turn without epoll's help, and those that have more to read. */
  #young: number[] = [];
  #more: number[] = [];
  readonly #tcp: TcpInfo = { state: 0, rttUs: 0, retransmits: 0, unacked: 0 };

  constructor({ cells, epoll, binding, board, meter, finish, leave }: ConversationOptions) {
    this.#cells = cells;
    this.#epoll = epoll;
    this.#binding = binding;
    this.#board = board;
    this.#meter = meter;
    this.#finish = finish;
    this.#leave = leave;
  }

  /** Opens and connects the socket of a probe. */
  start(cell: number, check: SocketCheck): void {
    const cells = this.#cells;
    const address = cells.copySockaddr(cell, this.#address);
    const family = address[0]!;
    const stream = check.transport === 'stream';
    const fd = openFor(check.transport, this.#binding, family);
    if (fd < 0) {
      cells.state[cell] = CONNECTING;
      cells.fd[cell] = -1;
      this.#end(cell, { outcome: connectOutcome(-fd), phase: START, cause: ERRNO, detail: -fd }, 0);
      return;
    }
    hold(this.#board, fd);
    cells.fd[cell] = fd;
    cells.state[cell] = CONNECTING;
    cells.flags[cell] = cells.flags[cell]! & ~WATCHED;
    cells.rtt[cell] = 0;
    if (stream) abortOnClose(fd);
    const unmarked = cells.mark[cell] === 0 ? 0 : setMark(fd, cells.mark[cell]!);
    if (unmarked !== 0) return this.#end(cell, { outcome: LOCAL_ERROR, phase: START, cause: ERRNO, detail: unmarked }, 0);
    // Who refuses, the real server or a router on the way? Asked only when it matters: it costs a system call.
    if (!stream || (cells.flags[cell]! & FAILED_BEFORE) !== 0) keepIcmpErrors(fd, family);
    if (connect(fd, address, sockaddrLength(address)) < 0) {
      const code = errno();
      if (code !== EINPROGRESS) return this.#failConnect(cell, code);
    }
    if (stream) this.#await(cell, FAR);
    else if (this.#watch(cell)) this.#beginExchange(cell, check);
  }

  /**
   * Waits for the next thing to happen on a stream. Near real servers have answered by the next turn, so looking then is cheaper
   * than registering with epoll (which costs more than the look); where it was not so the last time, epoll reports it.
   */
  #await(cell: number, late: number): void {
    const flags = this.#cells.flags[cell]!;
    if ((flags & WATCHED) !== 0) return;
    if (late === ALWAYS || (flags & late) !== 0) this.#watch(cell);
    else this.#young.push(cell, this.#cells.sequence[cell]!);
  }

  /**
   * Registers with epoll, once and edge-triggered: what is ready already is reported too.
   * @returns false when the probe has ended
   */
  #watch(cell: number): boolean {
    const cells = this.#cells;
    if (this.#epoll.add(cells.fd[cell]!, EPOLLOUT | EPOLLIN | EPOLLRDHUP, cell, cells.sequence[cell]!)) {
      cells.flags[cell] = cells.flags[cell]! | WATCHED;
      return true;
    }
    this.#end(cell, { outcome: LOCAL_ERROR, phase: START, cause: ERRNO, detail: errno() }, 0);
    return false;
  }

  /** Looks at what was begun in the last turn, or not read to its end. @returns true when there was something to look at */
  look(): boolean {
    if (this.#young.length + this.#more.length === 0) return false;
    const [young, more] = [this.#young, this.#more];
    [this.#young, this.#more] = [[], []];
    const cells = this.#cells;
    for (let i = 0; i < young.length; i += 2) {
      const cell = young[i]!;
      if (!this.#current(cell, young[i + 1]!)) continue;
      if (cells.state[cell] === CONNECTING) this.#lookConnect(cell);
      else if (cells.state[cell] === EXCHANGING) this.#lookAnswer(cell, young[i + 1]!);
    }
    const until = monotonicMs() + MORE_MS;
    for (let i = 0; i < more.length; i += 2) {
      const cell = more[i]!;
      if (!this.#current(cell, more[i + 1]!) || cells.state[cell] !== EXCHANGING) continue;
      // Who sends much takes turns with the others who do; who sends little never waits for them.
      if (monotonicMs() < until) this.#lookAnswer(cell, more[i + 1]!);
      else this.#more.push(cell, more[i + 1]!);
    }
    return true;
  }

  #current(cell: number, sequence: number): boolean {
    return this.#cells.present(cell) && this.#cells.sequence[cell] === sequence;
  }

  #lookConnect(cell: number): void {
    const cells = this.#cells;
    const known = readTcpInfo(cells.fd[cell]!, this.#tcp);
    if (known && this.#tcp.state === TCP_SYN_SENT) {
      cells.flags[cell] = cells.flags[cell]! | FAR;
      this.#watch(cell);
    } else if (known && this.#tcp.state === TCP_ESTABLISHED) this.#beginExchange(cell, cells.check[cell]!, true);
    else this.#onConnect(cell, EPOLLOUT | EPOLLERR);
  }

  #lookAnswer(cell: number, sequence: number): void {
    const cells = this.#cells;
    this.#onExchange(cell, EPOLLIN);
    // The last pair is this cell's when there is more to read.
    if (cells.state[cell] !== EXCHANGING || cells.sequence[cell] !== sequence || this.#more.at(-2) === cell) return;
    cells.flags[cell] = cells.flags[cell]! | SLOW;
    if ((cells.flags[cell]! & WATCHED) === 0) this.#watch(cell);
  }

  /** Takes one epoll event. */
  readonly ready = (cell: number, sequence: number, events: number): void => {
    const cells = this.#cells;
    if (!this.#current(cell, sequence)) return;
    if (cells.state[cell] === CONNECTING) this.#onConnect(cell, events);
    else if (cells.state[cell] === EXCHANGING) this.#onExchange(cell, events);
  };

  #onConnect(cell: number, events: number): void {
    const cells = this.#cells;
    const fd = cells.fd[cell]!;
    const check = cells.check[cell]!;
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
      const code = takeError(fd);
      // RST after the handshake was complete: for a plain handshake check that is success, whoever is quicker.
      if (code === ECONNRESET || code === EPIPE) {
        const exchange = cells.exchange[cell] ?? check.begin();
        this.#end(cell, exchange === undefined ? connected : { outcome: L7, phase: SEND, cause: CLOSED, detail: code }, 0);
        return;
      }
      if (code !== 0) return this.#failConnect(cell, code);
    }
    if ((events & EPOLLOUT) === 0) return;
    this.#beginExchange(cell, check);
    if (cells.state[cell] === EXCHANGING && (events & (EPOLLIN | EPOLLRDHUP)) !== 0) this.#onExchange(cell, events);
  }

  /** @param known TCP_INFO has just been read */
  #beginExchange(cell: number, check: SocketCheck, known = false): void {
    const cells = this.#cells;
    const exchange = cells.exchange[cell] ?? check.begin();
    if (check.transport === 'stream') {
      const measured = known || readTcpInfo(cells.fd[cell]!, this.#tcp);
      cells.rtt[cell] = measured ? this.#tcp.rttUs : 0;
      cells.flags[cell] = cells.flags[cell]! & ~FAILED_BEFORE;
      if (cells.rtt[cell]! < NEAR_US) cells.flags[cell] = cells.flags[cell]! & ~FAR;
      if (exchange === undefined) {
        this.#end(cell, measured && this.#tcp.retransmits > 0 ? connectedSlowly : connected, cells.rtt[cell]!);
        return;
      }
    }
    if (exchange === undefined) return;
    cells.exchange[cell] = exchange;
    cells.state[cell] = EXCHANGING;
    this.#meter.enter(cell);
    const length = exchange.request(this.#out);
    this.#meter.leave(cell);
    const sequence = cells.sequence[cell];
    if (length > 0 || check.transport !== 'stream') this.#send(cell, this.#out, length);
    if (cells.state[cell] !== EXCHANGING || cells.sequence[cell] !== sequence) return;
    // What could not be sent at once is sent when epoll reports room.
    this.#await(cell, cells.rest[cell] === undefined ? SLOW : ALWAYS);
  }

  #send(cell: number, data: Buffer, length: number): void {
    const cells = this.#cells;
    const sent = send(cells.fd[cell]!, data, length, MSG_NOSIGNAL);
    if (sent === length) {
      cells.rest[cell] = undefined;
      if (cells.check[cell]!.transport === 'stream') this.#sent(cell);
      return;
    }
    if (sent < 0) {
      const code = errno();
      if (code !== EAGAIN) return this.#failExchange(cell, code, SEND);
    }
    cells.rest[cell] = Buffer.from(data.subarray(Math.max(sent, 0), length));
  }

  #onExchange(cell: number, events: number): void {
    const cells = this.#cells;
    const rest = cells.rest[cell];
    if ((events & EPOLLOUT) !== 0 && Buffer.isBuffer(rest)) this.#send(cell, rest, rest.length);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)) === 0) return;
    const sequence = cells.sequence[cell];
    const spent = cells.spent[cell]!;
    // Edge-triggered: read until the kernel has no more, but only so much now that one flood can't hold the lane.
    for (let turn = 0; turn < TURNS && cells.spent[cell]! - spent < TURN_MS; turn++) {
      if (cells.state[cell] !== EXCHANGING || cells.sequence[cell] !== sequence) return;
      const n = recv(cells.fd[cell]!, this.#in.bytes, this.#in.bytes.length, 0);
      if (n > 0 || (n === 0 && cells.check[cell]!.transport !== 'stream')) {
        this.#proceed(cell, this.#feed(cell, this.#in.first(n)));
      } else if (n === 0) this.#closed(cell);
      else {
        const code = errno();
        if (code !== EAGAIN) this.#failExchange(cell, code, RESPONSE);
        return;
      }
    }
    if (cells.state[cell] === EXCHANGING && cells.sequence[cell] === sequence) this.#more.push(cell, sequence!);
  }

  #sent(cell: number): void {
    const exchange = this.#cells.exchange[cell]!;
    if (exchange.sent === undefined) return;
    this.#meter.enter(cell);
    const end = exchange.sent();
    this.#meter.leave(cell);
    this.#proceed(cell, end);
  }

  #feed(cell: number, chunk: Buffer): End | Wish | undefined {
    this.#meter.enter(cell);
    const end = this.#cells.exchange[cell]!.feed(chunk);
    this.#meter.leave(cell);
    return end;
  }

  #closed(cell: number): void {
    this.#meter.enter(cell);
    const end = this.#cells.exchange[cell]!.closed();
    this.#meter.leave(cell);
    this.#proceed(cell, end);
  }

  #proceed(cell: number, next: End | Wish | undefined): void {
    if (next === undefined) return;
    if (next === NEXT) this.#sendMore(cell);
    else if (next === RECONNECT) this.#reconnect(cell);
    else this.#conclude(cell, next);
  }

  #sendMore(cell: number): void {
    const cells = this.#cells;
    const before = cells.rest[cell];
    this.#meter.enter(cell);
    const length = cells.exchange[cell]!.request(this.#out);
    this.#meter.leave(cell);
    if (before !== undefined) cells.rest[cell] = Buffer.concat([before, this.#out.subarray(0, length)]);
    else if (length > 0) this.#send(cell, this.#out, length);
  }

  /** The same probe goes on with another connection; what epoll still reports of this one is not its business. */
  #reconnect(cell: number): void {
    const cells = this.#cells;
    const elapsed = monotonicMs() - cells.started[cell]!;
    if (retransmitted(cells.fd[cell]!, elapsed, this.#tcp)) cells.flags[cell] = cells.flags[cell]! | RETRANSMITTED;
    this.#close(cell);
    cells.rest[cell] = undefined;
    cells.sequence[cell] = (cells.sequence[cell]! + 1) | 0;
    this.start(cell, cells.check[cell]!);
  }

  /** An exchange has its answer: add the loss mark and the RTT. */
  #conclude(cell: number, judgement: End): void {
    const cells = this.#cells;
    const elapsed = monotonicMs() - cells.started[cell]!;
    if (cells.check[cell]!.transport !== 'stream' && 'outcome' in judgement) {
      this.#end(cell, judgement, Math.round(elapsed * 1000));
      return;
    }
    if (elapsed < NEAR_MS) cells.flags[cell] = cells.flags[cell]! & ~SLOW;
    const again = (cells.flags[cell]! & RETRANSMITTED) !== 0 || retransmitted(cells.fd[cell]!, elapsed, this.#tcp);
    if ('outcome' in judgement) {
      this.#end(cell, again && judgement.outcome === OK ? { ...judgement, outcome: OK_SLOW } : judgement, cells.rtt[cell]!);
      return;
    }
    if (again) cells.flags[cell] = cells.flags[cell]! | RETRANSMITTED;
    this.#close(cell);
    this.#leave(cell, judgement);
  }

  #failConnect(cell: number, code: number): void {
    const cells = this.#cells;
    const outcome = outcomeOf(code, cells.fd[cell]!, cells.sockaddr(cell));
    cells.flags[cell] = cells.flags[cell]! | FAILED_BEFORE;
    this.#end(cell, { outcome, phase: CONNECT, cause: ERRNO, detail: code }, 0);
  }

  #failExchange(cell: number, code: number, phase: number): void {
    const stream = this.#cells.check[cell]!.transport === 'stream';
    if (!stream) this.#failConnect(cell, code);
    else if (code === ECONNRESET || code === EPIPE) this.#closed(cell);
    else this.#end(cell, { outcome: connectOutcome(code), phase, cause: ERRNO, detail: code }, 0);
  }

  /** The deadline has come. */
  expire(cell: number): void {
    const cells = this.#cells;
    const check = cells.check[cell];
    if (cells.state[cell] !== EXCHANGING || check === undefined) {
      cells.flags[cell] = cells.flags[cell]! | FAILED_BEFORE;
      return this.#end(cell, noAnswer, 0);
    }
    if (check.transport !== 'stream') return this.#end(cell, check.silence ?? noReply, 0);
    const judgement = expiry(cells.fd[cell]!, this.#tcp);
    this.#end(cell, judgement, this.#tcp.rttUs);
  }

  #end(cell: number, judgement: Judgement, rttUs: number): void {
    this.#close(cell);
    this.#finish(cell, judgement, rttUs);
  }

  /** Drops the probe in flight without a result. */
  abandon(cell: number): void {
    this.#close(cell);
    this.#cells.state[cell] = IDLE;
  }

  #close(cell: number): void {
    const fd = this.#cells.fd[cell]!;
    if (fd < 0) return;
    this.#cells.fd[cell] = -1;
    release(this.#board, fd);
    close(fd);
  }
}
