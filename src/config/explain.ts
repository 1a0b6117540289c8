/** Turns what the schema finds wrong into issues that state what was found, what is allowed and what to write. */
import type { z } from 'zod';
import { schemasAt } from './json-schema.ts';
import { didYouMean, type Issue, listed } from './problem.ts';
import { isSecret } from './secrets.ts';

type ZodIssue = z.core.$ZodIssue;

/** Explaining takes longer than finding: so many of one file, and so many unknown keys of one mapping. */
const MOST_ISSUES = 1000;
const MOST_KEYS = 200;

/** Issues of a failed validation of `value`, in the schema's order; the first thousand. */
export function explain(error: z.ZodError, value: unknown): Issue[] {
  return firsts(error.issues)
    .slice(0, MOST_ISSUES)
    .flatMap((issue) => translate(issue, [], value));
}

/** A list's length is complained about even when it is no list: once is enough. */
function firsts(issues: readonly ZodIssue[]): ZodIssue[] {
  const mistyped = new Set<string>();
  return issues.filter((issue) => {
    const place = JSON.stringify(issue.path);
    if (mistyped.has(place)) return false;
    if (issue.code === 'invalid_type') mistyped.add(place);
    return true;
  });
}

function translate(issue: ZodIssue, base: readonly PropertyKey[], root: unknown): Issue[] {
  const path = [...base, ...issue.path];
  const value = valueAt(root, path);
  const found = show(value, path);
  const simple = (message: string): Issue[] => [{ path, message }];
  switch (issue.code) {
    case 'invalid_union':
      return union(issue, path, root, value);
    case 'unrecognized_keys':
      return unknownKeys(issue, path, root);
    case 'invalid_key':
      return [invalidKey(path, issue.issues[0]?.message ?? 'is not allowed as a key')];
    case 'invalid_type':
      if (value === undefined) return simple(`is missing${hint(path, root, ': ')}`);
      if (issue.expected === 'never') return simple(issue.message);
      return simple(`found ${found}; allowed: ${EXPECTED[issue.expected] ?? issue.expected}${hint(path, root)}`);
    case 'invalid_value': {
      if (!issue.message.startsWith('Invalid')) return simple(issue.message);
      const allowed = issue.values.map(String);
      return simple(`found ${found}${didYouMean(String(value), allowed)}; allowed: ${listed(allowed)}`);
    }
    case 'too_small':
      return simple(`found ${amount(issue.origin, found, value)}; allowed: at least ${issue.minimum}`);
    case 'too_big':
      return simple(`found ${amount(issue.origin, found, value)}; allowed: at most ${issue.maximum}`);
    case 'custom':
    case 'invalid_format':
    case 'invalid_element':
    case 'not_multiple_of':
      return simple(
        /^(?:must|is|needs|has)\b/.test(issue.message) && typeof value !== 'object' ? `${found} ${issue.message}` : issue.message,
      );
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

const UNIT: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };

/** Of the branches of a union, the one meant: whose kind of value this is. */
function union(issue: ZodIssue & { code: 'invalid_union' }, path: PropertyKey[], root: unknown, value: unknown): Issue[] {
  if ('discriminator' in issue && issue.errors.length === 0) {
    const allowed = schemasAt(path, {})
      .flatMap((node) => node.const ?? [])
      .map((word) => JSON.stringify(word).slice(1, -1));
    const what =
      value === undefined
        ? 'is missing'
        : `found ${show(value, path)}${typeof value === 'string' ? didYouMean(value, allowed) : ''}`;
    return [{ path, message: `${what}; allowed: ${listed(allowed)}` }];
  }
  const isForeign = (zodIssue: ZodIssue) =>
    zodIssue.path.length === 0 &&
    (zodIssue.code === 'invalid_type' || (zodIssue.code === 'invalid_value' && typeof value !== 'string'));
  const meant = issue.errors.find((errors) => !errors.some(isForeign));
  if (meant) return meant.flatMap((e) => translate(e, path, root));
  const kinds = issue.errors.flatMap((errors) =>
    errors.map((error) => (error.code === 'invalid_type' ? EXPECTED[error.expected] : 'text') ?? 'text'),
  );
  return [{ path, message: `found ${show(value, path)}; allowed: ${[...new Set(kinds)].join(' or ')}${hint(path, root)}` }];
}

function unknownKeys(issue: ZodIssue & { code: 'unrecognized_keys' }, path: PropertyKey[], root: unknown): Issue[] {
  const issues = issue.keys.slice(0, MOST_KEYS).map((key) => unknownKey(issue, key, path, root));
  const more = issue.keys.length - issues.length;
  return more === 0 ? issues : [...issues, { path, message: `and ${more} more unknown keys` }];
}

/** A key that the schema lacks. Among secrets one that resembles no known key may be a secret itself. */
function unknownKey(issue: ZodIssue, key: string, path: readonly PropertyKey[], root: unknown): Issue {
  const place = { path: [...path, key], key: true };
  if (!issue.message.startsWith('Unrecognized')) return { ...place, message: issue.message };
  const known = schemasAt(path, root).flatMap((node) => Object.keys(node.properties ?? {}));
  const meant = didYouMean(key, known);
  const secret = isSecret(path) && meant === '';
  const found = secret ? `unknown key of ${key.length} characters` : `unknown key "${key}"${meant}`;
  return { ...place, secret, message: `${found}; allowed: ${listed(new Set(known), 20)}` };
}

function invalidKey(path: readonly PropertyKey[], why: string): Issue {
  const key = String(path.at(-1));
  const secret = isSecret(path.slice(0, -1));
  return { path, key: true, secret, message: `${secret ? `a key of ${key.length} characters` : `"${key}"`} ${why}` };
}

/** What the place is for and an example, from the schema. */
function hint(path: readonly PropertyKey[], root: unknown, before = '; it is: '): string {
  const nodes = schemasAt(path, root);
  const description = nodes.find((node) => node.description !== undefined)?.description;
  const example = nodes.find((node) => node.examples !== undefined)?.examples?.[0];
  const text = description === undefined ? '' : `${before}${description}`;
  if (example === undefined) return text;
  return `${text}; for example ${typeof example === 'string' ? example : JSON.stringify(example)}`;
}

/** A value for a message: short, and never a secret. */
function show(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const full = typeof value === 'string' ? value : JSON.stringify(value);
  if (isSecret(path)) return `a secret of ${full.length} characters`;
  const text = withoutUser(full);
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return typeof value === 'string' ? JSON.stringify(short) : short;
}

/** A URL without user and password. */
function withoutUser(text: string): string {
  return text.replace(/(:\/\/)[^/]*@/, '$1…@');
}

function amount(origin: string, found: string, value: unknown): string {
  const length = typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
  return length === undefined ? found : `${length}${UNIT[origin] ?? ''}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part], root);
}
