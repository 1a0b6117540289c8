/** Files that a configuration includes: what the reader is handed in, and how patterns name them. Pure. */
import { MOST_FILES } from './limits.ts';

/** A file that a pattern matches. */
export interface Found {
  readonly path: string;
  /** Its content; undefined when it is not read, and then `refused` says why. */
  readonly text?: string;
  readonly refused?: 'directory' | 'executable' | 'unreadable' | 'too large';
}

/**
 * The files that match a pattern without braces, sorted; a pattern without wildcards names itself. Relative to the directory of
 * `from`, the path of the file that includes.
 */
export type Files = (pattern: string, from: string) => readonly Found[];

/** What an include of each kind demands (parser.c): readable, must match, each wildcard, each brace. */
export const INCLUDES: Readonly<Record<string, { readonly must: boolean; readonly wildcards: boolean }>> = {
  include: { must: false, wildcards: false },
  includer: { must: false, wildcards: false },
  includem: { must: true, wildcards: false },
  includew: { must: true, wildcards: true },
  includeb: { must: true, wildcards: false },
  includea: { must: true, wildcards: true },
};

/** Whether a pattern has wildcards of glob(7). */
export function hasWildcards(pattern: string): boolean {
  return /(?<!\\)[*?[]/.test(pattern);
}

/**
 * The patterns that one with csh braces stands for: `a{b,c}` → `ab`, `ac`; nested ones too. What is not closed is taken as it is.
 * At most as many as files may be read.
 */
export function withoutBraces(pattern: string): string[] {
  const done: string[] = [];
  const waiting = [pattern];
  for (let next = waiting.pop(); next !== undefined && done.length + waiting.length < MOST_FILES; next = waiting.pop()) {
    const parts = firstBraces(next);
    if (parts === undefined) done.push(next);
    else for (const choice of parts.choices.toReversed()) waiting.push(parts.before + choice + parts.after);
  }
  return done;
}

function firstBraces(pattern: string): { before: string; choices: string[]; after: string } | undefined {
  const open = pattern.search(/(?<!\\)\{(?!\})/);
  if (open < 0) return undefined;
  const choices: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let i = open + 1; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (char === '{') depth++;
    else if (char === '}' && depth-- === 0) {
      choices.push(pattern.slice(from, i));
      return { before: pattern.slice(0, open), choices, after: pattern.slice(i + 1) };
    } else if (char === ',' && depth === 0) {
      choices.push(pattern.slice(from, i));
      from = i + 1;
    }
  }
  return undefined;
}

export interface Wanted {
  readonly pattern: string;
  readonly from: string;
}

/**
 * Reads what a configuration includes by a function that takes its time: `pass` reads with what is there, and what it asks for in
 * vain is found before the next pass. Rejects as `find` does. @returns what the last pass made
 */
export async function gathering<T>(pass: (files: Files) => T, find: (wanted: Wanted) => Promise<readonly Found[]>): Promise<T> {
  const known = new Map<string, readonly Found[]>();
  for (;;) {
    const wanted = new Map<string, Wanted>();
    const result = pass((pattern, from) => {
      const key = `${from}\0${pattern}`;
      const found = known.get(key);
      if (found === undefined && known.size + wanted.size < MOST_FILES) wanted.set(key, { pattern, from });
      return found ?? [];
    });
    if (wanted.size === 0) return result;
    for (const [key, { pattern, from }] of wanted) known.set(key, await find({ pattern, from }));
  }
}
