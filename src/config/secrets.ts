/**
 * What of a configuration is never printed: the schema marks it (`meta({ secret: true })`), and everything that prints asks here.
 */
import * as z from 'zod';
import { configSchema } from './schema.ts';

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

/** Names of the keys with this mark. */
export function keysWith(mark: Mark): ReadonlySet<string> {
  let keys = known.get(mark);
  if (keys === undefined) known.set(mark, (keys = markedIn(mark)));
  return keys;
}

/** Schemas around one that stand for the same value. */
const WRAPPERS: readonly string[] = ['innerType', 'in', 'out'];

/** They are asked of the schema itself: to make it a JSON Schema takes 50 ms, which every command would wait for. */
function markedIn(mark: Mark): ReadonlySet<string> {
  const names = new Set<string>();
  // Checks and limits are used in many places; each is looked at once for each name that it has.
  const seen = new Map<z.core.$ZodType, Set<string | undefined>>();
  const visit = (schema: z.core.$ZodType, name?: string) => {
    const under = seen.get(schema) ?? new Set();
    if (under.has(name)) return;
    seen.set(schema, under.add(name));
    if (name !== undefined && z.globalRegistry.get(schema)?.[mark] === true) names.add(name);
    for (const [field, value] of Object.entries(schema._zod.def)) {
      if (field === 'shape') for (const [key, own] of Object.entries(value as z.core.$ZodShape)) visit(own, key);
      else for (const own of [value].flat()) if (isSchema(own)) visit(own, WRAPPERS.includes(field) ? name : undefined);
    }
  };
  visit(configSchema);
  return names;
}

const isSchema = (value: unknown): value is z.core.$ZodType => typeof value === 'object' && value !== null && '_zod' in value;

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
