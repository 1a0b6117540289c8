/** Families with the prefix and the shape that all of this room's have. */
import type { Family } from '../model/family.ts';

export type Rows = Family['rows'];

export function gauge(name: string, help: string, labelNames: readonly string[], rows: Rows, values: ArrayLike<number>): Family {
  return { name: `fourlane_${name}`, help, type: 'gauge', labelNames, rows, values };
}

export function counter(
  name: string,
  help: string,
  labelNames: readonly string[],
  rows: Rows,
  values: ArrayLike<number>,
): Family {
  return { ...gauge(name, help, labelNames, rows, values), type: 'counter' };
}

/** Series of a family that shows only what holds now, each 1. The rows are remade when they differ, and only then. */
export class Holding {
  #rows: Rows = [];
  #ones = new Float64Array(0);

  set(rows: Rows): { readonly rows: Rows; readonly values: Float64Array } {
    const same =
      rows.length === this.#rows.length && rows.every((row, i) => row.every((value, k) => value === this.#rows[i]![k]));
    if (!same) {
      this.#rows = rows;
      this.#ones = new Float64Array(rows.length).fill(1);
    }
    return { rows: this.#rows, values: this.#ones };
  }
}
