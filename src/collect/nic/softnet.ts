/**
 * /proc/net/softnet_stat: what each CPU did with packets that NICs handed it. One row of hexadecimal numbers a CPU that is
 * online; the thirteenth is the CPU's number (Linux 5.10 and later), before that rows are numbered as they come.
 * net/core/net-procfs.c.
 */
import { FormatError } from '../format-error.ts';

const FILE = '/proc/net/softnet_stat';
const CPU = 12;
const WRAP = 2 ** 32;

export interface Softnet {
  readonly cpu: number;
  readonly processed: number;
  /** The backlog was full. */
  readonly dropped: number;
  /** Work was left when budget or time of a round was used up. */
  readonly squeezed: number;
}

/** @throws FormatError */
export function parseSoftnet(text: string): Softnet[] {
  const rows: Softnet[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const words = line.trim().split(/\s+/);
    if (words.length < 3 || !words.every((w) => /^[0-9a-f]{1,8}$/i.test(w))) {
      throw new FormatError(FILE, i, line, 'three or more hexadecimal numbers of 32 bits');
    }
    const [processed, dropped, squeezed] = words.map((w) => Number.parseInt(w, 16)) as [number, number, number];
    const cpu = words[CPU] === undefined ? rows.length : Number.parseInt(words[CPU], 16);
    rows.push({ cpu, processed, dropped, squeezed });
  }
  return rows;
}

/**
 * The counters have 32 bits: at 10 million packets a second they come round every seven minutes. They start again only at boot.
 */
export class SoftnetCount {
  readonly #before = new Map<number, { readonly raw: Softnet; readonly full: Softnet }>();

  /** Rows as they would be with more bits; exact while less than 2^32 are counted between two readings. */
  follow(rows: readonly Softnet[]): readonly Softnet[] {
    return rows.map((raw) => {
      const before = this.#before.get(raw.cpu);
      const on = (key: 'processed' | 'dropped' | 'squeezed') =>
        before === undefined ? raw[key] : before.full[key] + ((raw[key] - before.raw[key] + WRAP) % WRAP);
      const full = { cpu: raw.cpu, processed: on('processed'), dropped: on('dropped'), squeezed: on('squeezed') };
      this.#before.set(raw.cpu, { raw, full });
      return full;
    });
  }
}
