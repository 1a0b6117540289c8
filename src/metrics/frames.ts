/** Families → frames: the numbers of one moment, copied, so that they may be read later and in another thread. */
import type { Family } from '../model/family.ts';

/** A family with its present values. `rows` travels once: later frames name it by its number. */
export interface FamilyFrame extends Omit<Family, 'rows' | 'values'> {
  readonly rowsId: number;
  readonly rows?: Family['rows'];
  readonly values: Float64Array | BigUint64Array;
}

/** The sending side: remembers which rows the other side has. */
export class FrameWriter {
  /** Rows that the other side has, by identity. */
  #known = new Map<Family['rows'], number>();
  #next = 0;

  /** The present values of families with series. Rows are in the frame only when the frame before had not got them. */
  take(families: readonly Family[]): FamilyFrame[] {
    const known = new Map<Family['rows'], number>();
    const frames = families
      .filter((family) => family.rows.length > 0)
      .map((family): FamilyFrame => {
        const { rows, values, ...rest } = family;
        const old = known.get(rows) ?? this.#known.get(rows);
        const rowsId = old ?? this.#next++;
        known.set(rows, rowsId);
        return { ...rest, rowsId, ...(old === undefined ? { rows } : {}), values: copy(values) };
      });
    this.#known = known;
    return frames;
  }

  /** The other side is a new one and has nothing. */
  forget(): void {
    this.#known = new Map();
  }
}

/** The receiving side: remembers rows as long as each frame names them. */
export class FrameReader {
  #before = new Map<number, Family['rows']>();
  #now = new Map<number, Family['rows']>();

  /** The rows of a family of the frame that is being read. */
  of(frame: FamilyFrame): Family['rows'] {
    const rows = frame.rows ?? this.#now.get(frame.rowsId) ?? this.#before.get(frame.rowsId);
    if (rows === undefined) throw new Error(`family ${frame.name}: rows ${frame.rowsId} were never sent`);
    this.#now.set(frame.rowsId, rows);
    return rows;
  }

  /** The frame is read to its end. */
  endOfFrame(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }
}

function copy(values: Family['values']): Float64Array | BigUint64Array {
  return values instanceof BigUint64Array || values instanceof Float64Array ? values.slice() : Float64Array.from(values);
}
