/** The log: pino, JSON lines on stdout or readable lines on a terminal. Written asynchronously; lines that can't be written are counted. */
import { pino, type Logger } from 'pino';

export type { Logger };

/** @param pretty short readable lines instead of JSON */
export function makeLogger(level: string, pretty: boolean): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' };
  if (!pretty) return pino(options, pino.destination({ dest: 1, sync: false, minLength: 0, maxLength: 4 << 20 }));
  return pino(options, { write: (line: string) => void process.stdout.write(readable(line)) });
}

const LEVELS: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info ', 40: 'warn ', 50: 'error', 60: 'fatal' };

/** `12:30:01.250 info  message key=value …` */
function readable(line: string): string {
  const { level, time, message, ...rest } = JSON.parse(line) as { level: number; time: string; message: string };
  const fields = Object.entries(rest).map(([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`);
  return `${time.slice(11, 23)} ${LEVELS[level] ?? level} ${message}${fields.length > 0 ? `  ${fields.join(' ')}` : ''}\n`;
}
