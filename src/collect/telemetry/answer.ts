/** Answers of DPDK's telemetry: JSON with 64-bit integers, its key the command, cut without a word when it grows too long. */
import * as z from 'zod';
import { exact, type Exact } from '../../model/exact.ts';
import type { Command } from './commands.ts';
import { TelemetryError } from './error.ts';

/** One answer. */
export interface Answer {
  readonly command: Command;
  /**
   * What stands beside the command's name; null: unknown command, parameter refused, or the callback failed. Integers above 2^53
   * are bigint.
   */
  readonly value: unknown;
  /**
   * It is so near to the limit that entries may be missing: DPDK leaves out what does not fit, and what remains is valid JSON. A
   * later, shorter entry may still be there.
   */
  readonly cut: boolean;
}

/**
 * A string of an array or dict takes at most 127 characters, the rest of an entry less than as many again: what fits no more
 * begins here.
 */
const LONGEST_ENTRY = 300;

/** Parses an answer. Throws TelemetryError `invalid`; undefined when it answers another command. */
export function parseAnswer(command: Command, packet: Buffer, maxOutput: number, path: string): Answer | undefined {
  const body = parseObject(packet, `${path} ${command.text}`);
  const keys = Object.keys(body);
  if (keys.length !== 1 || keys[0] !== command.name) return undefined;
  return { command, value: body[command.name], cut: packet.length > maxOutput - LONGEST_ENTRY };
}

/** A packet that is one JSON object. Throws TelemetryError. */
export function parseObject(packet: Buffer, where: string): Readonly<Record<string, unknown>> {
  const text = packet.toString('utf8');
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    throw new TelemetryError('invalid', `${where}: expected JSON, found ${shown(text)}: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TelemetryError('invalid', `${where}: expected a JSON object, found ${shown(text)}`);
}

/** JSON whose integers are exact in every size. */
function parseExactJson(text: string): unknown {
  // Only these can be above 2^53 = 9 007 199 254 740 992; other texts need no reviver, which takes five times as long.
  if (!/\d{17}|9\d{15}/.test(text)) return JSON.parse(text);
  const revive = (_: string, value: unknown, { source }: { source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
      ? exact(BigInt(source))
      : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

const U64_MAX = (1n << 64n) - 1n;

/** An unsigned 64-bit integer. */
export const u64 = z.custom<Exact>(
  (v) => (typeof v === 'number' ? Number.isSafeInteger(v) && v >= 0 : typeof v === 'bigint' && v >= 0n && v <= U64_MAX),
  'expected an unsigned 64-bit integer',
);
/** An integer that is never large: ids, counts of things. */
export const small = z.int().min(0).max(0xffff_ffff);
/** A list of names. */
export const names = z.array(z.string().min(1).max(127)).max(512);

/**
 * An answer in the shape it should have. Throws TelemetryError `invalid` that names the command, the place and what was found.
 */
export function decode<S extends z.ZodType>(schema: S, { command, value, cut }: Answer, path: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  if (value === null) {
    throw new TelemetryError(
      'invalid',
      `${path} ${command.text}: answered null: the application refuses the command or its parameter`,
    );
  }
  const [issue] = parsed.error.issues;
  const at = issue?.path.map(String).join('.') ?? '';
  const found = issue?.path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const why = cut ? '; the answer has reached the size at which DPDK leaves entries out' : '';
  throw new TelemetryError(
    'invalid',
    `${path} ${command.text}: ${at === '' ? 'the answer' : at} is ${shown(found)}; ${issue?.message ?? 'not understood'}${why}`,
  );
}

function shown(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : (JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v)) ?? 'missing');
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
