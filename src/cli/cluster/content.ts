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
  const missing = isMapping && (value as Json)['nics'] === undefined ? nicLines(value as Json) : '';
  // The servers' own part is theirs; what is here must be right with any.
  loadPlan(missing === '' ? bytes : `${text.replace(/\n?$/, '\n')}${missing}`, file, { hostname: hostname() });
  return splitConfig(value as Json).content;
}

/** NICs by the names that the services use, behind the text: so no line of it changes its number. */
function nicLines({ services }: Json): string {
  const named = (Array.isArray(services) ? services : []).flatMap((service: unknown): unknown[] => {
    const nics = (service as Json | null)?.['nics'];
    return Array.isArray(nics) ? nics : [];
  });
  const names = new Set(named.filter((name) => typeof name === 'string' && name.length <= 64).slice(0, 64));
  const lines = [...(names.size === 0 ? [SOME_NIC] : names)].map((name) => `  - name: ${JSON.stringify(name)}\n`);
  return `nics:\n${lines.join('')}`;
}
