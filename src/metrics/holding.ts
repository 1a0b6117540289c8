/** Series that come and go. */
import type { Rows } from '../model/family.ts';

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
