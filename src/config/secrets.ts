/**
 * What of a configuration is never printed: the schema marks it (`meta({ secret: true })`), and everything that prints asks here.
 */
import { configJsonSchema, type JsonSchema } from './json-schema.ts';

const known = new Map<Mark, ReadonlySet<string>>();

/** Names of the keys whose values are secret, wherever in the file they are. */
export function secretKeys(): ReadonlySet<string> {
  return keysWith('secret');
}

/**
 * `secret`: never printed at all. `private`: may hold a secret among other things, so that a mistake in it may be quoted, but
 * nothing that is right is shown.
 */
type Mark = 'secret' | 'private';

function keysWith(mark: Mark): ReadonlySet<string> {
  let keys = known.get(mark);
  if (keys === undefined) known.set(mark, (keys = new Set(markedIn(configJsonSchema(), mark))));
  return keys;
}

function markedIn(schema: JsonSchema, mark: Mark): string[] {
  const { anyOf = [], oneOf = [], items, additionalProperties, properties = {} } = schema;
  const below = [...anyOf, ...oneOf, ...(items ? [items] : [])];
  if (typeof additionalProperties === 'object') below.push(additionalProperties);
  const own = Object.entries(properties).flatMap(([name, s]) => [...(s[mark] === true ? [name] : []), ...markedIn(s, mark)]);
  return [...own, ...below.flatMap((branch) => markedIn(branch, mark))];
}

/** Whether the value at this place, or at one around it, is secret. */
export function isSecret(path: readonly PropertyKey[]): boolean {
  return path.some((part) => secretKeys().has(String(part)));
}

/**
 * A plan, or any part of it, as it may be shown: of a secret mapping only the names of its entries, of any other secret nothing;
 * of a command only the program, of a URL only the server. A copy; `value` must be JSON.
 */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return URL_BEYOND_SERVER.test(value) ? `${new URL(value).origin}/…` : value;
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, shown(name, v)]));
}

/** With credentials, a path or a query: chat services keep the secret of a webhook in its path. */
const URL_BEYOND_SERVER = /^https?:\/\/(?:[^/?#]*@|[^/?#]+(?:\/[^?#]|\/?[?#]))/i;

function shown(name: string, value: unknown): unknown {
  if (secretKeys().has(name)) {
    if (!isMapping(value)) return '(secret)';
    const names = Object.keys(value);
    return names.length === 0 ? value : names;
  }
  if (!keysWith('private').has(name)) return withoutSecrets(value);
  return Array.isArray(value) && value.length > 1 ? [value[0], '…'] : Array.isArray(value) ? value : '(not shown)';
}

function isMapping(value: unknown): value is object {
  return value !== null && typeof value === 'object';
}
