/**
 * A DPDK process played from recordings: its telemetry socket in a runtime directory of the test, and a collector that reads it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { z } from 'zod';
import { blockSchema } from '../../src/collect/settings.ts';
import type { Collector, Evidence, Reading, Source } from '../../src/collect/collector.ts';
import { dpdk } from '../../src/collect/dpdk.ts';
import { Output } from '../../src/collect/output.ts';
import { Shares } from '../../src/collect/share.ts';
import type { Family } from '../../src/model/family.ts';
import { SeqpacketServer, type Peer } from '../sys/seqpacket-server.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/dpdk-telemetry/${name}`, import.meta.url), 'utf8');
const lines = <T>(name: string) =>
  fixture(name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** The recorded answers of a process, by request; the greeting by ''. */
export function recorded(name: string): Map<string, string> {
  return new Map(lines<{ request: string; response: string }>(`${name}.jsonl`).map((r) => [r.request, r.response]));
}

/** The recorded overload, in time order. */
export function overload(): readonly { step: string; request: string; response_raw: string }[] {
  return lines('overload.jsonl');
}

/** Runtime directories that the test removes. */
export function runtimeDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(`${tmpdir()}/dpdk-`);
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export class FakeProcess {
  readonly answers: Map<string, string>;
  /** Requests it got. */
  readonly asked: string[] = [];
  readonly server: SeqpacketServer;
  /** Called instead of answering, when set. */
  reply: ((request: string, peer: Peer) => void) | undefined;

  /** Answers what `recording` holds, anything else with null, as DPDK does. */
  constructor(directory: string, prefix: string, recording: string, socket = 'dpdk_telemetry.v2') {
    this.answers = recorded(recording);
    mkdirSync(`${directory}/${prefix}`, { recursive: true });
    this.server = new SeqpacketServer(`${directory}/${prefix}/${socket}`, {
      accepted: (peer) => {
        const greeting = this.answers.get('');
        if (greeting !== undefined) peer.send(greeting);
      },
      packet: (request, peer) => {
        this.asked.push(request);
        if (this.reply === undefined) peer.send(this.answer(request));
        else this.reply(request, peer);
      },
    });
  }

  answer(request: string): string {
    return this.answers.get(request) ?? JSON.stringify({ [request.split(',')[0]!]: null });
  }

  /** Puts another value into the answer to `request`. */
  change(request: string, edit: (value: never) => unknown): void {
    const [[key, value]] = Object.entries(JSON.parse(this.answer(request)) as object) as [[string, never]];
    this.answers.set(request, JSON.stringify({ [key]: edit(value) }));
  }
}

/** The collector with a clock of the test's, and what it logged. */
export class Collecting {
  now = 0;
  readonly logged: string[] = [];
  readonly #output = new Output();
  readonly #shares = new Shares();
  readonly source: Source<unknown>;
  evidence: Evidence = {};

  readonly #collector: Collector;

  constructor(settings: Partial<z.input<ReturnType<typeof blockSchema>>> & Record<string, unknown>, collector: Collector = dpdk) {
    this.#collector = collector;
    this.source = collector.open(blockSchema(collector).parse(settings), {
      clock: () => this.now,
      log: (level, message) => void this.logged.push(`${level} ${message}`),
      nics: () => [],
      edge: () => ({}),
      share: (key, make) => this.#shares.take(key, make),
    });
  }

  /** One reading, a second after the one before; its samples are in `value`. */
  async read(signal: AbortSignal = new AbortController().signal): Promise<Reading<unknown>> {
    this.now += 1000;
    const reading = await this.source.read(signal);
    if (reading.state === 'data') {
      this.#output.take((samples) => this.#collector.publish(reading.data, samples));
      this.evidence = this.#collector.evidence?.(reading.data) ?? {};
    }
    return reading;
  }

  get families(): readonly Family[] {
    return this.#output.families();
  }

  /** Of a gauge or counter, without the prefix. */
  value(name: string, ...labels: string[]): number | undefined {
    const family = this.families.find((f) => f.name === `fourlane_${name}`);
    const row = family?.rows.findIndex((r) => r.join() === labels.join()) ?? -1;
    return row < 0 ? undefined : Number(family!.values[row]);
  }

  /** Of a histogram: counts per bucket, then the sum. */
  histogram(name: string, ...labels: string[]): readonly number[] | undefined {
    const family = this.families.find((f) => f.name === `fourlane_${name}`);
    const row = family?.rows.findIndex((r) => r.join() === labels.join()) ?? -1;
    const width = (family?.bounds?.length ?? 0) + 2;
    return row < 0 ? undefined : Array.from({ length: width }, (_, i) => Number(family!.values[row * width + i]));
  }
}
