/** One line of an evidence log as checked values: every complaint names the line, the entry, its value and what it must be. */
import { FourlaneError } from '../../model/errors.ts';

export type Json = Readonly<Record<string, unknown>>;

const shown = (value: unknown) => JSON.stringify(value) ?? 'missing';

export class Line {
  readonly json: Json;
  readonly #number: number;

  /** @param number of the line in its file, from 1 */
  constructor(json: Json, number: number) {
    this.json = json;
    this.#number = number;
  }

  /** The line of this text. Throws FourlaneError EVIDENCE_INVALID when it is no JSON object. */
  static parse(text: string, number: number): Line {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      fail(number, `${JSON.stringify(text.slice(0, 60))} is no JSON; every line must be one JSON object`);
    }
    if (typeof json !== 'object' || json === null || Array.isArray(json)) fail(number, 'it must be a JSON object');
    return new Line(json as Json, number);
  }

  has(name: string): boolean {
    return name in this.json;
  }

  /** A line over an object inside this one. */
  inside(json: Json): Line {
    return new Line(json, this.#number);
  }

  fail(message: string): never {
    fail(this.#number, message);
  }

  /** Refuses entries that are not known. */
  only(allowed: readonly string[]): void {
    const unknown = Object.keys(this.json).find((name) => !allowed.includes(name));
    if (unknown !== undefined) this.fail(`unknown entry "${unknown.slice(0, 40)}"; allowed are ${allowed.join(', ')}`);
  }

  number(name: string, min: number, max: number, fallback?: number): number {
    const value = this.json[name];
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      this.fail(`${name} is ${shown(value)}; it must be a number from ${min} to ${max}`);
    }
    return value;
  }

  /** A time in ms. */
  time(name: string, fallback?: number): number {
    return this.number(name, 0, Number.MAX_SAFE_INTEGER, fallback);
  }

  text(name: string): string {
    const value = this.json[name];
    if (typeof value !== 'string' || value === '') this.fail(`${name} is ${shown(value)}; it must be text`);
    return value;
  }

  /** 0 or 1. */
  bit(name: string): 0 | 1 {
    const value = this.json[name];
    if (value !== 0 && value !== 1) this.fail(`${name} is ${JSON.stringify(value)}; it must be 0 or 1`);
    return value;
  }

  /** The code of a name of a vocabulary: its index. */
  code(name: string, vocabulary: readonly string[]): number {
    const index = vocabulary.indexOf(String(this.json[name]));
    if (index < 0) this.fail(`${name} is ${shown(this.json[name])}; it must be one of ${vocabulary.join(', ')}`);
    return index;
  }

  object(name: string, fallback?: Json): Line {
    return this.inside(this.#asObject(this.json[name] ?? fallback, name));
  }

  objects(name: string): readonly Line[] {
    return this.list(name).map((value) => this.inside(this.#asObject(value, `every entry of ${name}`)));
  }

  list(name: string): readonly unknown[] {
    const value = this.json[name];
    if (!Array.isArray(value)) this.fail(`${name} must be a list`);
    return value;
  }

  /** The index that a map from names gives. */
  index(map: ReadonlyMap<string, number>, id: unknown, what: string): number {
    const index = typeof id === 'string' ? map.get(id) : undefined;
    if (index === undefined)
      this.fail(`${what} ${JSON.stringify(id) ?? 'is missing'} is not in the header; add it there or take the line out`);
    return index;
  }

  #asObject(value: unknown, what: string): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail(`${what} must be an object`);
    return value as Json;
  }
}

function fail(number: number, message: string): never {
  throw new FourlaneError('EVIDENCE_INVALID', `line ${number}: ${message}`);
}
