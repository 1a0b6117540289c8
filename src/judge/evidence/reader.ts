/** The evidence log: one JSON line per fact, a header line first. docs/attribution.md describes the format. */
import type { Fact } from '../../model/facts.ts';
import type { Named } from './codec.ts';
import { readFact } from './codecs.ts';
import { type Header, indexOf, readHeader } from './header.ts';
import { Line } from './line.ts';

/** What one line says: a world, a pass of the recorded judge at `t`, or a fact. */
export type Entry = ({ readonly kind: 'header' } & Header) | { readonly kind: 'pass'; readonly t: number } | Fact;

/** A longer silence is a broken clock rather than evidence. */
const MAX_GAP_MS = 86_400_000;
/** Where a header begins that an agent before 2026-12 wrote behind half a line. */
const GLUED = /\{"v":\d,"/;

/** Reads lines one after the other; facts are those of the last header's world. */
export class EvidenceReader {
  readonly #notice: (message: string) => void;
  #names: Named | undefined;
  #recorded = false;
  #line = 0;
  #lastT = Number.NEGATIVE_INFINITY;
  /** A line that is no JSON: forgiven when the next one is a header, or none comes. */
  #torn: (() => never) | undefined;

  /** @param notice receives what was passed over and why: half a line that a killed agent left */
  constructor(notice: (message: string) => void = () => undefined) {
    this.#notice = notice;
  }

  /** The line read last, from 1. */
  get line(): number {
    return this.#line;
  }

  /** What a line says, or undefined for an empty or torn one. Throws FourlaneError EVIDENCE_INVALID naming the line. */
  read(text: string): Entry | undefined {
    this.#line++;
    if (text.trim() === '') return undefined;
    const line = this.#parse(text);
    if (line === undefined) return undefined;
    if (line.has('v')) {
      this.#forgive();
      return this.#header(line);
    }
    this.#torn?.();
    if (this.#names === undefined)
      line.fail('the first line must be the header: {"v":1,"interval_ms":…,"nics":[…],"realServers":[…],"services":[…]}');
    return line.has('pass') ? this.#pass(line) : this.#fact(line, this.#names!);
  }

  /** There are no more lines. */
  end(): void {
    this.#forgive();
  }

  /** A line, or undefined when it is torn. */
  #parse(text: string): Line | undefined {
    const number = this.#line;
    try {
      return Line.parse(text, number);
    } catch (error) {
      if (!(text.startsWith('{') && this.#names !== undefined)) throw error;
      this.#torn?.();
      this.#torn = () => {
        throw error as Error;
      };
      const header = text.slice(1).search(GLUED) + 1;
      return header > 0 ? Line.parse(text.slice(header), number) : undefined;
    }
  }

  #forgive(): void {
    if (this.#torn !== undefined)
      this.#notice(`line ${this.#line}: half a line before it was passed over; its writer was stopped`);
    this.#torn = undefined;
  }

  #header(line: Line): Entry {
    const header = readHeader(line);
    const { nics, realServers } = header.topology;
    this.#names = {
      topology: header.topology,
      nics: indexOf(nics, ({ name }) => name),
      realServers: indexOf(realServers, ({ id }) => id),
    };
    // The machine may have started again since, and its clock with it.
    this.#lastT = Number.NEGATIVE_INFINITY;
    this.#recorded = header.origin !== undefined;
    return { kind: 'header', ...header };
  }

  #pass(line: Line): Entry {
    line.only(['pass']);
    if (!this.#recorded) line.fail('a log of version 1 has no pass lines; its passes are T/10 apart');
    const t = line.time('pass');
    if (t < this.#lastT) line.fail(`pass ${t} is before the pass at ${this.#lastT}; passes must be in order`);
    this.#lastT = t;
    return { kind: 'pass', t };
  }

  #fact(line: Line, names: Named): Fact {
    const fact = readFact(line, names);
    // In a recorded log the pass lines keep the order.
    if (this.#recorded) return fact;
    const { t } = fact;
    const back = names.topology.intervalMs + names.topology.timeoutMs;
    if (t < this.#lastT - back) line.fail(`t ${t} is more than ${back} ms before ${this.#lastT}; sort the lines by t`);
    if (t > this.#lastT + MAX_GAP_MS && this.#lastT >= 0)
      line.fail(`t ${t} is more than a day after ${this.#lastT}; split the log there`);
    this.#lastT = Math.max(t, this.#lastT);
    return fact;
  }
}
