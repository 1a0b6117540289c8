/** What is wrong in a config file, and where. */
import distance from 'damerau-levenshtein';
import { FourlaneError } from '../model/errors.ts';

/** A defect by its place in the value: found by the schema or by the checks across it. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  /** Point at the key, not at its value. */
  readonly key?: boolean;
  /** The last part of `path` may be a secret written in the wrong place: it is not printed. */
  readonly secret?: boolean;
  readonly message: string;
}

/** A defect by its place in the file. Lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  /** `services[0].vip`; empty for the file as a whole. */
  readonly path: string;
  /** What was found, what is allowed, remedy. */
  readonly message: string;
}

const MOST_PRINTED = 100;

/** CONFIG_INVALID with every problem; the message holds one `file:line:column: path: message` line for each. */
export class ConfigError extends FourlaneError {
  readonly problems: readonly Problem[];
  constructor(file: string, problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const lines = sorted.slice(0, MOST_PRINTED).map((each) => {
      return `${file}:${each.line}:${each.column}: ${each.path === '' ? '' : `${each.path}: `}${each.message}`;
    });
    if (sorted.length > MOST_PRINTED) lines.push(`${file}: and ${sorted.length - MOST_PRINTED} more problems`);
    super('CONFIG_INVALID', lines.join('\n'));
    this.problems = sorted;
  }
}

/** `services[0].realServers[1].weight`: an issue's place as it is printed. */
export function pathText({ path, secret = false }: Pick<Issue, 'path' | 'secret'>): string {
  return path.slice(0, secret ? -1 : undefined).reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** A longer word is no slip of the pen. */
const LONGEST = 64;

/** ` (did you mean "x"?)` when one of the words is close enough, else nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  let best = '';
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const same = candidate.toLowerCase() === word.toLowerCase();
    if (!same && (word.length > LONGEST || Math.abs(word.length - candidate.length) >= least)) continue;
    const d = same ? 0 : distance(word, candidate).steps;
    if (d < least) [best, least] = [candidate, d];
  }
  return best === '' ? '' : ` (did you mean "${best}"?)`;
}

/** `"a", "b" and 3 more`; `none` for an empty list. */
export function listed(words: Iterable<string>, most = 12): string {
  const all = [...words];
  if (all.length === 0) return 'none';
  const shown = all.slice(0, most).map((each) => `"${each}"`);
  return all.length > most ? `${shown.join(', ')} and ${all.length - most} more` : shown.join(', ');
}
