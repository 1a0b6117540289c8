/**
 * What of a configuration is never printed: the schema marks it (`meta({ secret: true })`), and everything that prints asks here.
 */
import { configJsonSchema, type JsonSchema } from './json-schema.ts';

let known: ReadonlySet<string> | undefined;

/** Names of the keys whose values are secret, wherever in the file they are. */
export function secretKeys(): ReadonlySet<string> {
  known ??= new Set(markedIn(configJsonSchema()));
  return known;
}

function markedIn(schema: JsonSchema): string[] {
  const { anyOf = [], oneOf = [], items, additionalProperties, properties = {} } = schema;
  const below = [...anyOf, ...oneOf, ...(items ? [items] : [])];
  if (typeof additionalProperties === 'object') below.push(additionalProperties);
  const own = Object.entries(properties).flatMap(([name, s]) => [...(s.secret === true ? [name] : []), ...markedIn(s)]);
  return [...own, ...below.flatMap(markedIn)];
}

/** Whether the value at this place, or at one around it, is secret. */
export function isSecret(path: readonly PropertyKey[]): boolean {
  return path.some((part) => secretKeys().has(String(part)));
}

/**
 * A plan, or any part of it, as it may be shown: of a secret mapping only the names of its entries, of any other secret nothing.
 * A copy; `value` must be JSON.
 */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, v]) => [name, secretKeys().has(name) ? hidden(v) : withoutSecrets(v)]),
  );
}

function hidden(value: unknown): unknown {
  return value !== null && typeof value === 'object' ? Object.keys(value) : '(secret)';
}
