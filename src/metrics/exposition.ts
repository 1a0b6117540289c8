/**
 * Families → the text that Prometheus reads: text format 0.0.4, or OpenMetrics 1.0. Pure but for its cache of what it rendered
 * before.
 */
import { type Family, unitOf } from '../model/family.ts';
import { constantLabels, escapeHelp } from './labels.ts';
import { Region } from './region.ts';

export type Format = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** HELP, TYPE and, in OpenMetrics, UNIT of a family. OpenMetrics names a counter family without `_total`. */
export function metadata(family: Family, format: Format): string {
  const { help, type } = family;
  if (format === 'text') return `# HELP ${family.name} ${escapeHelp(help, false)}\n# TYPE ${family.name} ${type}\n`;
  const name = type === 'counter' ? family.name.replace(/_total$/, '') : family.name;
  const unit = unitOf(name);
  return (
    `# TYPE ${name} ${type}\n${unit === undefined ? '' : `# UNIT ${name} ${unit}\n`}# HELP ${name} ` +
    `${escapeHelp(help, true)}\n`
  );
}

export class Exposition {
  readonly #constant: string;
  #regions = new Map<string, Region>();
  #previous: Buffer | undefined;
  /**
   * Memory that callers still read, and memory to write the next bodies into: fresh megabytes cost more than the text in them.
   */
  readonly #lent = new Set<ArrayBufferLike>();
  readonly #spare: Buffer[] = [];

  /** `constant`: labels that every series carries. */
  constructor(constant: Readonly<Record<string, string>>) {
    this.#constant = constantLabels(constant);
  }

  /**
   * Renders families in the order given, several of one name together under one TYPE line. A family whose rows are the same
   * object as in the call before keeps its rendered labels. The body stays as it is until it is given back with `release`, if
   * ever.
   */
  render(families: readonly Family[], format: Format): Buffer {
    const regions = new Map<string, Region>();
    const steps: (Buffer | Region)[] = [];
    let room = 16;
    for (const [name, parts] of byName(families)) {
      const head = Buffer.from(metadata(parts[0]!, format));
      room += head.length;
      steps.push(head);
      for (const [k, family] of parts.entries()) {
        const key = `${name}#${k}`;
        const known = this.#regions.get(key);
        const region = known !== undefined && known.rows === family.rows ? known : new Region(family, this.#constant);
        region.load(family);
        room += region.room;
        steps.push(region);
        regions.set(key, region);
      }
    }
    const out = this.#memory(room);
    const previous = this.#previous;
    this.#regions = new Map(); // should a step throw, the next rendering starts afresh
    let cursor = 0;
    for (const step of steps)
      cursor = step instanceof Region ? step.write(out, cursor, previous) : cursor + step.copy(out, cursor);
    const samplesEnd = cursor;
    if (format === 'openmetrics') cursor += out.write('# EOF\n', cursor, 'latin1');
    this.#regions = regions;
    this.#previous = out.subarray(0, samplesEnd);
    this.#lent.add(out.buffer);
    if (previous !== undefined) this.#recycle(previous);
    return out.subarray(0, cursor);
  }

  /** Says that nobody reads this body any more. */
  release(body: Buffer): void {
    if (this.#lent.delete(body.buffer) && body.buffer !== this.#previous?.buffer) this.#recycle(body);
  }

  #recycle(body: Buffer): void {
    if (!this.#lent.has(body.buffer) && this.#spare.length < 2) this.#spare.push(Buffer.from(body.buffer));
  }

  #memory(room: number): Buffer {
    const fits = (buffer: Buffer) => buffer.length >= room && buffer.length < 2 * room + 65536;
    const spare = this.#spare.splice(0).find(fits);
    return spare ?? Buffer.allocUnsafeSlow(Math.ceil(room * 1.05));
  }
}

/** Families without series say nothing and are left out. */
function byName(families: readonly Family[]): Map<string, Family[]> {
  const groups = new Map<string, Family[]>();
  for (const family of families) {
    if (family.rows.length === 0) continue;
    const group = groups.get(family.name);
    if (group === undefined) groups.set(family.name, [family]);
    else group.push(family);
  }
  return groups;
}
