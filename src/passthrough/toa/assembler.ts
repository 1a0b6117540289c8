/**
 * eBPF as data: one function for each instruction that programs here use, and labels. An instruction has 8 bytes: code,
 * registers, offset, number (Linux, Documentation/bpf/instruction-set.rst).
 */

export interface Instruction {
  readonly code: number;
  readonly to: number;
  readonly from: number;
  readonly offset: number;
  readonly number: number;
  /** Where it jumps to. */
  readonly label?: string;
}

/** A place in a program. */
export interface Label {
  readonly name: string;
}

/** Arguments of helpers are in R1 to R5, which they spoil, results in R0; R6 to R9 stay; R10 is the end of the stack. */
export const [R0, R1, R2, R3, R4, R6, R7, R8, STACK] = [0, 1, 2, 3, 4, 6, 7, 8, 10] as const;

const one = (code: number, rest: Partial<Instruction>): Instruction => ({ code, to: 0, from: 0, offset: 0, number: 0, ...rest });

/** to = from */
export const copy = (to: number, from: number) => one(0xbf, { to, from });
/** to = number */
export const set = (to: number, number: number) => one(0xb7, { to, number });
/** to += number */
export const add = (to: number, number: number) => one(0x07, { to, number });
/** to = the 32 bits at from + offset */
export const load32 = (to: number, from: number, offset: number) => one(0x61, { to, from, offset });
/** to = the pointer at from + offset */
export const load64 = (to: number, from: number, offset: number) => one(0x79, { to, from, offset });
/** Puts 32 bits at to + offset. */
export const store32 = (to: number, offset: number, number: number) => one(0x62, { to, offset, number });
export const jump = (label: string) => one(0x05, { label });
/** Jumps when a pointer is null. */
export const jumpIfNull = (to: number, label: string) => one(0x15, { to, label });
/** Jumps when the low 32 bits differ. */
export const jumpUnless = (to: number, number: number, label: string) => one(0x56, { to, number, label });
/** Calls the helper of this number: BPF_FUNC_… of linux/bpf.h. */
export const call = (number: number) => one(0x85, { number });
export const exit = () => one(0x95, {});
export const label = (name: string): Label => ({ name });

const SIZE = 8;

/**
 * Bytes of a program, for little-endian machines (x86-64, arm64).
 * @throws Error for a label that is not in it
 */
export function assemble(lines: readonly (Instruction | Label)[]): Buffer {
  const places = new Map<string, number>();
  const instructions: Instruction[] = [];
  for (const line of lines) {
    if ('name' in line) places.set(line.name, instructions.length);
    else instructions.push(line);
  }
  const bytes = Buffer.alloc(SIZE * instructions.length);
  instructions.forEach(({ code, to, from, offset, number, label: target }, k) => {
    const place = target === undefined ? undefined : places.get(target);
    if (target !== undefined && place === undefined) throw new Error(`no label ${target}`);
    bytes[SIZE * k] = code;
    bytes[SIZE * k + 1] = (from << 4) | to;
    bytes.writeInt16LE(place === undefined ? offset : place - k - 1, SIZE * k + 2);
    bytes.writeInt32LE(number | 0, SIZE * k + 4);
  });
  return bytes;
}
