/** What reads bytes of others, each with a corpus of real ones, and the errors it may throw. */
import { globSync, readFileSync } from 'node:fs';
import { configDefects } from './config.ts';
import { TelemetryError } from '../../../src/collect/telemetry/error.ts';
import { decode, parseAnswer } from '../../../src/collect/telemetry/answer.ts';
import { coreLatency, coreUsage } from '../../../src/collect/dpdk/contract.ts';
import { mempoolInfo, portLink, portStats, portXstats, ringInfo } from '../../../src/collect/dpdk/eal.ts';
import { parseDetails } from '../../../src/keepalived/state/details.ts';
import { parseDump } from '../../../src/keepalived/state/dump.ts';
import { parseNotice } from '../../../src/keepalived/state/notify.ts';

export interface Input {
  readonly name: string;
  readonly corpus: () => readonly Buffer[];
  /** Reads; throws only what is said of bad bytes. */
  readonly read: (bytes: Buffer) => void;
}

const files = (pattern: string) => globSync(`test/fixtures/${pattern}`).map((path) => readFileSync(path));
const linesOf = (pattern: string) =>
  files(pattern).flatMap((bytes) =>
    bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Buffer.from(line)),
  );

/** Runs; an error that is no plain Error, or a TypeError, is a defect and passes through. */
function expecting(run: () => unknown, isExpected: (error: Error) => boolean): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError || !isExpected(error)) throw error;
  }
}

const SHAPES = [coreLatency, coreUsage, ringInfo, mempoolInfo, portStats, portLink, portXstats];

export const inputs: readonly Input[] = [
  { name: 'configurations', corpus: () => files('config/*.yaml'), read: configDefects },
  {
    name: 'JSON dumps of keepalived',
    corpus: () => files('keepalived/*.json'),
    read: (bytes) =>
      expecting(
        () => parseDump(bytes.toString('utf8')),
        () => true,
      ),
  },
  {
    name: 'text dumps of keepalived',
    corpus: () => files('keepalived/*.data'),
    read: (bytes) =>
      expecting(
        () => parseDetails(bytes.toString('utf8')),
        () => true,
      ),
  },
  {
    name: 'lines of the notify FIFO',
    corpus: () => linesOf('keepalived/*.log'),
    read: (bytes) => void parseNotice(bytes.toString('utf8')),
  },
  {
    name: 'telemetry answers of DPDK',
    corpus: () =>
      linesOf('dpdk-telemetry/*.jsonl').flatMap((line) => {
        const { response } = JSON.parse(line.toString('utf8')) as { response?: string };
        return response === undefined ? [] : [Buffer.from(response)];
      }),
    read: (bytes) => {
      const name = /"(\/[^"]*)"/.exec(bytes.toString('latin1'))?.[1] ?? '/';
      const command = { name, text: name };
      expecting(() => {
        const answer = parseAnswer(command as never, bytes, 16_384, '/sock');
        if (answer !== undefined) for (const shape of SHAPES) expecting(() => decode(shape, answer, '/sock'), isTelemetry);
      }, isTelemetry);
    },
  },
];

const isTelemetry = (error: Error) => error instanceof TelemetryError;
