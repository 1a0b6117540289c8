/** Reads a saved state without trusting it: every value is checked, every complaint says where. Throws RangeError. */

/** JSON of a saved state. */
export type Saved = Readonly<Record<string, unknown>>;

const shown = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

export class Reader {
  readonly #json: Saved;
  readonly #now: number;

  constructor(json: unknown, now: number) {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new RangeError(`expected an object, found ${shown(json)}`);
    this.#json = json as Saved;
    this.#now = now;
  }

  /** A reader of the object under `name`. */
  child(name: string): Reader {
    return new Reader(this.#json[name], this.#now);
  }

  /** A reader of other values at the same time. */
  of(json: unknown): Reader {
    return new Reader(json, this.#now);
  }

  /** Refuses entries that are missing or not known. `later`: those that a file from before they were there does not have. */
  only(names: readonly string[], later: readonly string[] = []): void {
    const unknown = Object.keys(this.#json).find((name) => !names.includes(name) && !later.includes(name));
    if (unknown !== undefined) throw new RangeError(`unknown entry "${unknown.slice(0, 60)}"`);
    const missing = names.find((name) => !Object.hasOwn(this.#json, name));
    if (missing !== undefined) throw new RangeError(`entry "${missing}" is missing`);
  }

  array(value: unknown, where: string): readonly unknown[] {
    if (!Array.isArray(value)) throw new RangeError(`${where}: expected a list, found ${shown(value)}`);
    return value;
  }

  tuple(value: unknown, length: number, where: string): readonly unknown[] {
    const list = this.array(value, where);
    if (list.length !== length) throw new RangeError(`${where}: expected ${length} values, found ${list.length}`);
    return list;
  }

  list(name: string, length?: number): readonly unknown[] {
    return length === undefined ? this.array(this.#json[name], name) : this.tuple(this.#json[name], length, name);
  }

  strings(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value !== 'string') throw new RangeError(`${name}: expected text, found ${shown(value)}`);
      return value;
    });
  }

  /** Text of exactly `length` digits from 0 to 8. */
  digits(name: string, length: number): string {
    const text = this.#json[name];
    if (typeof text !== 'string' || text.length !== length || !/^[0-8]*$/.test(text)) {
      throw new RangeError(`${name}: expected ${length} digits 0 to 8, found ${shown(text)}`);
    }
    return text;
  }

  /** One of these words. */
  word<W extends string>(name: string, words: readonly W[]): W {
    const found = words.find((word) => word === this.#json[name]);
    if (found === undefined)
      throw new RangeError(`${name}: expected one of ${words.join(', ')}, found ${shown(this.#json[name])}`);
    return found;
  }

  /** Whether there is such an entry, and it is null. */
  isNull(name: string): boolean {
    return this.#json[name] === null;
  }

  /** Whether there is such an entry. */
  has(name: string): boolean {
    return Object.hasOwn(this.#json, name);
  }

  /** A finite number. */
  finiteOf(name: string, min = -Number.MAX_VALUE, max = Number.MAX_VALUE): number {
    return this.finite(this.#json[name], min, max, name);
  }

  /** A finite number in a range. */
  finite(value: unknown, min: number, max: number, where: string): number {
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw new RangeError(`${where}: expected ${min} … ${max}, found ${shown(value)}`);
    }
    return value;
  }

  /** A whole number in a range: codes, indices, counts. */
  integer(value: unknown, min: number, max: number, where: string): number {
    const number = this.finite(value, min, max, where);
    if (!Number.isInteger(number)) throw new RangeError(`${where}: expected a whole number, found ${shown(value)}`);
    return number;
  }

  numbers(value: unknown, where: string): readonly number[] {
    return this.array(value, where).map((each) => this.finite(each, -Number.MAX_VALUE, Number.MAX_VALUE, where));
  }

  /** A time from its age. */
  time(age: unknown, where: string): number {
    return this.#now - this.finite(age, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, where);
  }
}
