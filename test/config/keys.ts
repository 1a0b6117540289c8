/** Every key of the config file, from its JSON Schema, in the notation of docs/configuration.md. */
import { configJsonSchema, type JsonSchema } from '../../src/config/json-schema.ts';

export interface Key {
  /**
   * `services[].vip`; `checks.*` for a named profile, `http.path` for a parameter of one check type, `exec.timeout` of an
   * actuator.
   */
  readonly path: string;
  readonly required: boolean;
  /** JSON text; undefined when there is none. */
  readonly default: string | undefined;
  readonly description: string;
}

/** Keys in the order of the schema; those of check types and actuators once, wherever they are used. */
export function configKeys(): Key[] {
  const keys = new Map<string, Key>();
  const walk = (schema: JsonSchema, path: string): void => {
    for (const branch of schema.anyOf ?? schema.oneOf ?? []) walk(branch, path);
    if (schema.items) walk(schema.items, `${path}[]`);
    if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, `${path}.*`);
    const kind = schema.properties?.type?.const;
    const required = (schema.required ?? []) as readonly string[];
    const isActuator = /(?:onFail\[\]|onIsolated\[\]|actuator)$/.test(path);
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (isActuator) {
        walk(property, name);
        continue;
      }
      const prefix = typeof kind === 'string' ? (TIMING.has(name) ? 'checks.*' : `check ${kind}`) : path;
      const key = prefix === '' ? name : `${prefix}.${name}`;
      if (keys.has(key)) continue;
      keys.set(key, {
        path: key,
        required: required.includes(name),
        default: property.default === undefined ? undefined : JSON.stringify(property.default),
        description: property.description ?? '',
      });
      walk(property, key);
    }
  };
  walk(configJsonSchema(), '');
  return [...keys.values()];
}

const TIMING: ReadonlySet<string> = new Set(['type', 'interval', 'timeout', 'fall', 'rise', 'connectIp', 'connectPort', 'mark']);
