/** Reads a saved state without trusting it: every value is checked, every complaint says where. Throws RangeError. */

/** JSON of a saved state. */
export type Saved = Readonly<Record<string, unknown>>;

const shown = (x: unknown) => (JSON.stringify(x) ?? 'nothing').slice(0, 60);

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

  /** Refuses entries that are missing or not known. */
  only(names: readonly string[]): void {
    const unknown = Object.keys(this.#json).find((name) => !names.includes(name));
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
    return this.list(name).map((x) => {
      if (typeof x !== 'string') throw new RangeError(`${name}: expected text, found ${shown(x)}`);
      return x;
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

  number(name: string, min: number, max: number): number {
    return this.integer(this.#json[name], min, max, name);
  }

  /** A finite number in a range. */
  integer(value: unknown, min: number, max: number, where: string): number {
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw new RangeError(`${where}: expected ${min} … ${max}, found ${shown(value)}`);
    }
    return value;
  }

  numbers(value: unknown, where: string): readonly number[] {
    return this.array(value, where).map((x) => this.integer(x, -Number.MAX_VALUE, Number.MAX_VALUE, where));
  }

  /** A time from its age. */
  time(age: unknown, where: string): number {
    return this.#now - this.integer(age, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, where);
  }

  /** Columns of equal length, read one after the other. */
  columns(name: string, count: number, length: number): Columns {
    const columns = this.list(name, count).map((column) => this.tuple(column, length, name));
    return new Columns(this, columns, name);
  }
}

type Target = { [k: number]: number };

class Columns {
  readonly #reader: Reader;
  readonly #columns: readonly (readonly unknown[])[];
  readonly #name: string;
  #next = 0;

  constructor(reader: Reader, columns: readonly (readonly unknown[])[], name: string) {
    this.#reader = reader;
    this.#columns = columns;
    this.#name = name;
  }

  skip(): void {
    this.#next++;
  }

  /** Numbers in a range; `where` says to which index each goes, below 0 = nowhere. */
  plain(into: Target, where: readonly number[], min: number, max: number): void {
    this.#each(where, (to, value) => (into[to] = this.#reader.integer(value, min, max, this.#name)));
  }

  /** Times kept as ages; null = none. */
  times(into: Target, where: readonly number[]): void {
    this.#each(where, (to, value) => (into[to] = value === null ? 0 : this.#reader.time(value, this.#name)));
  }

  #each(where: readonly number[], put: (to: number, value: unknown) => void): void {
    const column = this.#columns[this.#next++]!;
    where.forEach((to, k) => to >= 0 && put(to, column[k]));
  }
}
