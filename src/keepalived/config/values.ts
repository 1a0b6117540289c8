/** Values of keywords in a block: as written, as far as they are valid and known. */
import { isIP, isIPv6 } from 'node:net';
import { canonicalV6 } from '../../model/address.ts';
import { booleanOf, fits, numberOf } from '../catalogue/arguments.ts';
import { defaultOf } from '../catalogue/index.ts';
import type { Word } from '../read/source.ts';
import { type Block, type Statement, statementOf } from '../read/tree.ts';

/** The first word of the keyword that counts, when it is valid and known. */
export function wordIn(block: Block | undefined, name: string): Word | undefined {
  const statement = statementOf(block, name);
  const word = statement?.args[0];
  const argument = statement?.spec?.args[0];
  return word === undefined || word.unclear || argument === undefined || !fits(argument, word) ? undefined : word;
}

/** A number, when it is written, valid and known. */
export function numberIn(block: Block | undefined, name: string): number | undefined {
  const word = wordIn(block, name);
  return word === undefined ? undefined : numberOf(word.text, Number.POSITIVE_INFINITY);
}

/** A flag, or a keyword with true or false after it; undefined when it is not written. */
export function flagIn(block: Block | undefined, name: string): boolean | undefined {
  const statement = statementOf(block, name);
  if (statement === undefined) return undefined;
  return statement.args[0] === undefined ? true : booleanOf(statement.args[0].text);
}

/** Whether a keyword is written, whatever its value. */
export function has(block: Block | undefined, name: string): boolean {
  return statementOf(block, name) !== undefined;
}

/** The number of the first of these blocks that has it, from the inside to the outside. */
export function inherited(blocks: readonly (Block | undefined)[], name: string): number | undefined {
  for (const block of blocks) {
    const value = numberIn(block, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A number of a block or what the catalogue has as its default. */
export function numberOrDefault(block: Block, name: string): number {
  return numberIn(block, name) ?? defaultOf(block.kind, name);
}

/** An IP address in its usual form; undefined when it is none. */
export function ipOf(text: string): string | undefined {
  if (isIP(text) === 0) return undefined;
  return isIPv6(text) ? canonicalV6(text) : text;
}

/** An address with what it may have after a slash. */
export interface Prefix {
  readonly ip: string;
  readonly family: 4 | 6;
  /** undefined: none is written. */
  readonly length: number | undefined;
}

/** `192.0.2.1` or `192.0.2.1/24`; undefined when it is no address. A length that is no number is left out. */
export function prefixOf(text: string): Prefix | undefined {
  const [address = '', length] = text.split('/', 2);
  const ip = ipOf(address);
  if (ip === undefined) return undefined;
  const family = isIPv6(ip) ? 6 : 4;
  const bits = length === undefined || length === '' ? Number.NaN : Number(length);
  return { ip, family, length: Number.isInteger(bits) && bits >= 0 && bits <= (family === 4 ? 32 : 128) ? bits : undefined };
}

/** The lines of a block of values, each as its words. */
export function rowsIn(block: Block | undefined, name: string): Statement[] {
  const rows: Statement[] = [];
  for (const statement of block?.statements ?? []) if (statement.name === name) rows.push(...(statement.block?.statements ?? []));
  return rows;
}
