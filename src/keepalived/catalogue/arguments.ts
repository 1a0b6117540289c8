/** Whether the words of a statement are what the catalogue wants of them. */
import { isIP } from 'node:net';
import type { Problem, Word } from '../read/source.ts';
import type { Statement } from '../read/tree.ts';
import { type Argument, expected } from './kinds.ts';

const TRUE = new Set(['true', 'on', 'yes']);
const FALSE = new Set(['false', 'off', 'no']);
/** Longest name of an interface (IFNAMSIZ - 1). */
const LONGEST_INTERFACE = 15;

/** true or false as keepalived reads them; undefined when it is neither. */
export function booleanOf(text: string): boolean | undefined {
  return TRUE.has(text) ? true : FALSE.has(text) ? false : undefined;
}

/** A number as keepalived reads it, with at most `places` decimals; NaN when it is none. */
export function numberOf(text: string, places = 0): number {
  const match = /^[ \t]*([+-]?\d*)(?:\.(\d*))?$/.exec(text);
  if (match === null || !/\d/.test(text) || (match[2] !== undefined && (places === 0 || match[2].length > places)))
    return Number.NaN;
  return Number(text);
}

/** A word that holds a variable of unknown value is taken to be right. */
export function fits(argument: Argument, word: Word): boolean {
  if (word.unclear) return true;
  const { text } = word;
  switch (argument.kind) {
    case 'integer':
    case 'decimal': {
      const number = numberOf(text, argument.kind === 'decimal' ? argument.places : 0);
      return number >= argument.min && number <= argument.max;
    }
    case 'choice':
      return argument.of.some((one) => one === text || (argument.anyCase === true && one.toLowerCase() === text.toLowerCase()));
    case 'boolean':
      return booleanOf(text) !== undefined;
    case 'address':
      return argument.family === undefined ? isIP(text) !== 0 : isIP(text) === argument.family;
    case 'interface':
      return text.length <= LONGEST_INTERFACE && text !== '';
    case 'digest':
      return /^[0-9A-Fa-f]{32}$/.test(text);
    case 'statusCodes':
      return statusCodesOf(text) !== undefined;
    case 'hex':
      return /^[0-9A-Fa-fxX]+$/.test(text);
    case 'word':
    case 'text':
    case 'secret':
    case 'command':
      return true;
  }
}

/** `200` or `200-299`; undefined when it is none from 100 to 599. */
export function statusCodesOf(text: string): { readonly from: number; readonly to: number } | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  return match !== null && from >= 100 && to <= 599 && from <= to ? { from, to } : undefined;
}

/** What is wrong with the words of one statement. */
export function problemsOf({ keyword, args, spec, name }: Statement): Problem[] {
  if (spec === undefined) return [];
  if (args.length < spec.least) {
    const wanted = spec.args.slice(args.length, spec.least).map(expected).join(' and ');
    return [{ code: 'value-missing', at: keyword, message: `${name} lacks ${wanted}` }];
  }
  const problems: Problem[] = [];
  for (const [i, word] of args.entries()) {
    const argument = spec.args[i] ?? (spec.args.at(-1)?.kind === 'statusCodes' ? spec.args.at(-1) : undefined);
    if (argument === undefined || fits(argument, word)) continue;
    problems.push({ code: 'value-invalid', at: word, message: `${name}: found ${word.text}; allowed: ${expected(argument)}` });
  }
  return problems;
}

/** Whether the words of a statement are free text, in which a `$` means nothing. */
export function isFreeText({ spec }: Statement): boolean {
  return spec?.args.some(({ kind }) => kind === 'command' || kind === 'secret' || kind === 'text') === true;
}
