/** Values of keys as bytes and back. What others wrote is refused with place, value and remedy, before it costs much. */
import type { z } from 'zod';
import { canonical } from '../model/canonical.ts';
import { FourlaneError } from '../model/errors.ts';
import { entryOf, type JsonKind, KEYS, type KeyKind, type ValueOf } from './keys.ts';

const MOST_DEPTH = 16;
const MOST_PROBLEMS = 5;
const MOST_SHOWN = 60;
/** To make one takes milliseconds. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** CLUSTER_INVALID: what is wrong at a key, and what to do. */
export function invalid(key: string, message: string, remedy = 'write it again with this version of fourlane'): FourlaneError {
  return new FourlaneError('CLUSTER_INVALID', `${key}: ${message}; ${remedy}`);
}

/** Throws CLUSTER_INVALID when a value has more bytes than its kind may have. */
export function checkSize(kind: KeyKind, key: string, bytes: number): void {
  const { mostBytes } = entryOf(kind);
  if (bytes > mostBytes) throw invalid(key, `found ${bytes} bytes; allowed: at most ${mostBytes}`);
}

/** The value as bytes: canonical JSON. Throws CLUSTER_INVALID when it is larger than the kind allows. */
export function writeValue<K extends JsonKind>(kind: K, key: string, value: ValueOf<K>): Buffer {
  const bytes = Buffer.from(canonical(value));
  checkSize(kind, key, bytes.length);
  return bytes;
}

/** The value that stands at a key. Throws CLUSTER_INVALID naming the key, what was found, what is allowed and the remedy. */
export function readValue<K extends JsonKind>(kind: K, key: string, bytes: Uint8Array): ValueOf<K> {
  checkSize(kind, key, bytes.length);
  const json = parse(key, bytes);
  const parsed = (KEYS[kind].value as z.ZodType).safeParse(json);
  if (parsed.success) return parsed.data as ValueOf<K>;
  const problems = parsed.error.issues.slice(0, MOST_PROBLEMS).map((issue) => problemText(issue, json));
  throw invalid(key, problems.join('; '));
}

function parse(key: string, bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    throw invalid(key, 'it is not valid UTF-8');
  }
  if (depthOf(text) > MOST_DEPTH) throw invalid(key, `its lists and objects lie more than ${MOST_DEPTH} deep`);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(key, `found ${JSON.stringify(text.slice(0, MOST_SHOWN))}, which is no JSON`);
  }
}

const [QUOTE, BACKSLASH] = [34, 92];
const [OPENING, CLOSING] = [
  [91, 123],
  [93, 125],
] as const;

/** How deep lists and objects lie in JSON text; brackets inside strings do not count. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let k = 0; k < text.length; k++) {
    const code = text.charCodeAt(k);
    if (code === QUOTE) quoted = !quoted;
    else if (quoted) k += Number(code === BACKSLASH);
    else if (code === OPENING[0] || code === OPENING[1]) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSING[0] || code === CLOSING[1]) depth--;
  }
  return deepest;
}

function problemText({ path, message }: z.core.$ZodIssue, json: unknown): string {
  const place = path.map(String).join('.');
  const found = path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part], json);
  const shown = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, MOST_SHOWN);
  return `${place === '' ? '' : `${place}: `}found ${shown}: ${message}`;
}
