/** Protocol buffers, written: the three kinds of field that etcd's messages have. */

/**
 * A field's value: numbers and booleans as varint, text and bytes with their length. Undefined is left out; a list repeats it.
 */
type Value = number | bigint | string | boolean | Uint8Array | readonly Value[] | undefined;

const VARINT = 0;
const BYTES = 2;
/** Below it, bit operations of numbers are exact. */
const MOST_SMALL = 2 ** 31;

/** A message from its fields by number, in ascending order. Negative numbers are written as 64-bit two's complement. */
export function encode(fields: Readonly<Record<number, Value>>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [number, value] of Object.entries(fields)) put(parts, Number(number), value);
  return Buffer.concat(parts);
}

function put(parts: Uint8Array[], field: number, value: Value): void {
  if (value === undefined) return;
  if (Array.isArray(value)) {
    for (const one of value as readonly Value[]) put(parts, field, one);
    return;
  }
  const head: number[] = [];
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    putVarint(head, field * 8 + BYTES);
    putVarint(head, bytes.length);
    parts.push(Uint8Array.from(head), bytes);
    return;
  }
  putVarint(head, field * 8 + VARINT);
  putVarint(head, typeof value === 'boolean' ? Number(value) : (value as number | bigint));
  parts.push(Uint8Array.from(head));
}

function putVarint(out: number[], value: number | bigint): void {
  if (typeof value === 'number' && value >= 0 && value < MOST_SMALL) {
    let rest = value;
    for (; rest > 127; rest >>>= 7) out.push((rest & 127) | 128);
    out.push(rest);
    return;
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
}
