/**
 * The log: pino, JSON lines on stdout or readable lines on a terminal. Lines wait in a bounded queue and are written when there
 * is room.
 */
import { pino, type Logger } from 'pino';
import { plainJson, plainLine } from '../model/plain-text.ts';
import { LogStream } from './log-stream.ts';

export type { Logger };

export interface Log {
  readonly logger: Logger;
  /** Lines dropped so far because nobody read them. */
  readonly dropped: () => number;
  /** Resolves when nothing waits to be written, or after a short time. */
  readonly written: () => Promise<void>;
}

type Fields = Record<string, unknown>;

/** What each line of a logger carries besides its own fields. */
const shared = new WeakMap<Logger, { fields: () => Fields }>();

/**
 * The log of this process; what waits at its end is written then.
 * @param pretty short readable lines instead of JSON
 * @param fd where to; stdout
 */
export function makeLog(level: string, pretty: boolean, fd = 1): Log {
  const stream = new LogStream(fd, (dropped) => logger.warn({ dropped }, 'log lines were dropped: they were not read in time'));
  const more = { fields: (): Fields => ({}) };
  const mixin = () => more.fields();
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message', mixin };
  const logger = pino(options, { write: (line: string) => stream.write(pretty ? readable(line) : plainJson(line)) });
  shared.set(logger, more);
  process.once('exit', () => stream.farewell());
  return { logger, dropped: () => stream.dropped, written: () => stream.written() };
}

/** From now on every line of `logger` also carries what `fields` returns at that moment: a fresh object each time. */
export function addFields(logger: Logger, fields: () => Fields): void {
  const more = shared.get(logger);
  if (more !== undefined) more.fields = fields;
}

const LEVELS: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info ', 40: 'warn ', 50: 'error', 60: 'fatal' };

/** `12:30:01.250 info  message key=value …` */
function readable(line: string): string {
  const { level, time, message, ...rest } = JSON.parse(line) as { level: number; time: string; message: string };
  const fields = Object.entries(rest).map(([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`);
  const more = fields.length > 0 ? `  ${fields.join(' ')}` : '';
  return `${plainLine(`${time.slice(11, 23)} ${LEVELS[level] ?? level} ${message}${more}`)}\n`;
}
