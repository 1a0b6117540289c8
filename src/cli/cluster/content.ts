/** From a file to what a release carries of it. It may be a whole fourlane.yaml, or its services, checks and rules alone. */
import { hostname } from 'node:os';
import { loadPlan } from '../../config/load.ts';
import { parseYaml } from '../../config/yaml.ts';
import { type Content, type Json, splitConfig } from '../../cluster/release/content.ts';
import { FourlaneError } from '../../model/errors.ts';
import { readIfExists } from '../../sys/files.ts';

const MOST_BYTES = 64 << 20;
/** Stands for a NIC where a file names none: each server has its own. */
const SOME_NIC = 'eth0';

/**
 * Reads and checks a file. Rejects with CONFIG_UNREADABLE, with CONFIG_INVALID naming every problem as file:line:column, or with
 * CLUSTER_INVALID.
 */
export async function readContent(file: string): Promise<Content> {
  const bytes = await readIfExists(file, MOST_BYTES).catch((error: Error) => {
    throw new FourlaneError('CONFIG_UNREADABLE', error.message, { cause: error });
  });
  if (bytes === undefined) throw new FourlaneError('CONFIG_UNREADABLE', `cannot read ${file}: there is no such file`);
  const text = bytes.toString('utf8');
  const { value } = parseYaml(text);
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  const lacksNics = isMapping && (value as Json)['nics'] === undefined;
  // The servers' own part is theirs; what is here must be right with any.
  loadPlan(lacksNics ? withNics(text, value as Json) : bytes, file, { hostname: hostname() });
  return splitConfig(value as Json).content;
}

/** NICs by the names that the services use, behind the text: so no line of it changes its number. */
function withNics(text: string, value: Json): string {
  const { services } = value;
  const named = (Array.isArray(services) ? services : []).flatMap((service: unknown): unknown[] => {
    const nics = (service as Json | null)?.['nics'];
    return Array.isArray(nics) ? nics : [];
  });
  const names = new Set(named.filter((name) => typeof name === 'string' && name.length <= 64).slice(0, 64));
  const nics = JSON.stringify([...(names.size === 0 ? [SOME_NIC] : names)].map((name) => ({ name })));
  // JSON, or a mapping written as in JSON.
  const braced = /^\s*\{[^]*?(,?\s*)\}\s*$/.exec(text);
  if (braced === null) return `${text.replace(/\n?$/, '\n')}nics: ${nics}\n`;
  const end = text.lastIndexOf('}') - braced[1]!.length;
  return `${text.slice(0, end)}${Object.keys(value).length === 0 ? '' : ','} "nics": ${nics}${text.slice(end).replace(/^,/, '')}`;
}
