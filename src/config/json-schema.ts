/** The JSON Schema of the config file, generated from the same source that validates it. */
import * as z from 'zod';
import { configSchema } from './schema.ts';

/** As far as fourlane reads it back. */
export interface JsonSchema {
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  /** fourlane's own keywords: the value is never printed; it is not shown in a plan. */
  readonly secret?: boolean;
  readonly private?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

let generated: JsonSchema | undefined;

/** JSON Schema, draft 2020-12, of what a user writes (before defaults are filled in). */
export function configJsonSchema(): JsonSchema {
  generated ??= {
    title: 'fourlane configuration',
    ...(z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12', reused: 'inline' }) as JsonSchema),
  };
  return generated;
}

/** The alternatives the schema has for the place `path`, given the value of the whole file: a check's `type` selects its own. */
export function schemasAt(path: readonly PropertyKey[], value: unknown): JsonSchema[] {
  let nodes = alternatives(configJsonSchema(), value);
  let here = value;
  for (const part of path) {
    here = (here as Record<PropertyKey, unknown> | null | undefined)?.[part];
    nodes = nodes.flatMap((node) => {
      if (typeof part === 'number') return node.items ? alternatives(node.items, here) : [];
      const property = node.properties?.[String(part)];
      const other = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
      const next = property ?? other;
      return next ? alternatives(next, here) : [];
    });
  }
  return nodes;
}

/** A schema's branches that fit the kind of value found, with the description they share. */
function alternatives(schema: JsonSchema, value: unknown): JsonSchema[] {
  const branches = schema.anyOf ?? schema.oneOf;
  if (!branches) return [schema];
  const { description, examples } = schema;
  const type = (value as { type?: unknown } | null | undefined)?.type;
  const all = branches.flatMap((branch) => alternatives(branch, value));
  const fitting = all.filter((each) => {
    const discriminator = each.properties?.type?.const;
    return each.type === kindOf(value) && (discriminator === undefined || discriminator === type);
  });
  const shared = { ...(description === undefined ? {} : { description }), ...(examples === undefined ? {} : { examples }) };
  return (fitting.length > 0 ? fitting : all).map((b) => ({ ...shared, ...b }));
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}
