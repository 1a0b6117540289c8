/** A collector whose source does what the test says, and a runner of it with a clock of its own. */
import { mock } from 'node:test';
import * as z from 'zod';
import { collector, type Evidence, type Reading } from '../../src/collect/collector.ts';
import { gauge } from '../../src/model/family.ts';
import { Runner } from '../../src/collect/runner.ts';

export const DEPTH = gauge('fake_depth', 'Depth.');
const UP = gauge('fake_up', 'Whether it is there.');
const PORT_UP = gauge('fake_port_up', 'Whether its port has link.');
export const TIMING = { interval: 1000, timeout: 500, staleAfter: 3000 };

type Answer = (signal: AbortSignal) => Promise<Reading<number>> | Reading<number>;

/** The fake; `answer` is asked at each reading. `opened` and `closed` count sources. */
export class Fake {
  answer: Answer = () => ({ state: 'data', data: 1 });
  opened = 0;
  closed = 0;
  reads = 0;
  /** Which run of the source is there. */
  run: string | undefined;
  readonly started: string[] = [];
  readonly logged: string[] = [];
  readonly evidence: [string, Evidence, number][] = [];
  readonly runner: Runner;
  readonly collector = collector({
    name: 'fake',
    summary: 'for tests',
    schema: z.strictObject({}),
    ...TIMING,
    metrics: [DEPTH, UP, PORT_UP],
    existence: { zero: [UP], gone: [PORT_UP] },
    open: () => {
      this.opened++;
      return {
        read: async (signal: AbortSignal) => {
          this.reads++;
          return this.answer(signal);
        },
        run: async () => this.run,
        close: () => void this.closed++,
      };
    },
    publish: (depth: number, samples) => {
      if (depth < 0) throw new Error('a depth below zero');
      samples.gauge(DEPTH, [], depth);
      for (const up of [UP, PORT_UP]) samples.gauge(up, [], 1);
    },
    findings: (depth: number) =>
      depth < 100 ? [] : [{ finding: 'DEEP', service: 'web', realServer: '10.1.0.1:80', found: `depth ${depth}` }],
    evidence: (depth: number): Evidence => ({ ports: [{ port: 'p', rxPackets: depth, txPackets: 0 }] }),
  });

  constructor() {
    this.runner = new Runner({
      collectors: [this.collector],
      context: {
        clock: () => Date.now(),
        log: (level, message) => void this.logged.push(`${level} ${message}`),
        nics: () => [],
        edge: () => ({}),
      },
      random: () => 0.5,
      wallOffsetMs: () => 0,
      onStarted: (name) => void this.started.push(name),
      onEvidence: (name, evidence, t) => void this.evidence.push([name, evidence, t]),
    });
  }

  /** Lets time pass in steps of 50 ms, with everything that is due then. */
  async pass(ms: number): Promise<void> {
    for (let gone = 0; gone < ms; gone += 50) {
      mock.timers.tick(50);
      for (let i = 0; i < 20; i++) await Promise.resolve();
    }
  }

  value(name: string, ...labels: string[]): number | undefined {
    for (const f of this.runner.families()) {
      const row = f.rows.findIndex((r) => r.join() === labels.join());
      if (f.name === `fourlane_${name}` && row >= 0) return Number(f.values[row]);
    }
    return undefined;
  }
}
