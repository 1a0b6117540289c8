/** Lines of a YAML file with comments. What others have written into names can't leave its place: it is quoted or escaped. */
import { plainJson, plainLine } from '../model/plain-text.ts';

/** Texts that YAML would read as something else than text, or that begin with what has a meaning. */
const OTHERS = /^(?:true|false|null|yes|no|on|off|~|[-+.]?\d[\d_.]*(?:e[-+]?\d+)?|0[xo][\da-f]+)$/i;
const PLAIN = /^[A-Za-z0-9/][\w./:%+-]*$/;
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

/** A value, quoted where it has to be; lists and mappings in one line. */
export function flow(value: unknown): string {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${text(key)}: ${flow(each)}`)
    .join(', ')}}`;
}

function text(value: string): string {
  const isPlain = PLAIN.test(value) && !value.endsWith(':') && (!OTHERS.test(value) || IPV4.test(value));
  return isPlain ? value : plainJson(JSON.stringify(value));
}

/** A line with what it is from. */
export function line(depth: number, text: string, ...origins: readonly string[]): string {
  const said = origins.filter((origin) => origin !== '').join('; ');
  return `${'  '.repeat(depth)}${text}${said === '' ? '' : ` # ${plainLine(said)}`}`;
}

/** A line of comment; an empty one for ''. */
export function comment(depth: number, text: string): string {
  return `${'  '.repeat(depth)}#${text === '' ? '' : ` ${plainLine(text)}`}`;
}
