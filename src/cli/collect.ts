/** `fourlane collect`: one collector, once, by hand: what it read, or its series as /metrics would show them. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import type { Collector } from '../collect/collector.ts';
import { collectors } from '../collect/index.ts';
import { readOnce } from '../collect/once.ts';
import { Output as CollectorOutput } from '../collect/output.ts';
import { blockSchema } from '../collect/settings.ts';
import { explain } from '../config/explain.ts';
import { loadPlanFile } from '../config/load.ts';
import { Exposition } from '../metrics/exposition.ts';
import { FourlaneError } from '../model/errors.ts';
import { type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane collect NAME [--config FILE] [--set key=value]... [--json|--metrics]

Runs one collector once, exactly as the agent does, and prints what it read.

  --config FILE    take NICs and the collector's block from this configuration
  --set key=value  a setting of the collector; the value is JSON, or else text
  --json           what was read as JSON (the default); 64-bit numbers that JSON can't hold are texts
  --metrics        its series, as /metrics shows them

Collectors:
${collectors.map((collector) => `  ${collector.name.padEnd(11)} ${collector.summary}`).join('\n')}

Exit status: 0 data, 3 the source is absent on this machine, 1 failed.

Example: fourlane collect ipvs --metrics
`;

/** Runs the command; resolves to the exit status. */
export async function collect(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      set: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean' },
      metrics: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  const names = collectors.map((collector) => collector.name).join(', ');
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0)
    throw new FourlaneError('USAGE', `name one collector: ${names}; see fourlane collect --help`);
  const collector = collectors.find((collector) => collector.name === name);
  if (collector === undefined) throw new FourlaneError('USAGE', `there is no collector "${name}"; there are: ${names}`);
  const plan = values.config === undefined ? undefined : loadPlanFile(values.config, { hostname: hostname() });
  const written = plan?.collectors[name];
  const settings = written && values.set.length === 0 ? written : parseSettings(collector, values.set);
  const log = (level: string, message: string) => err(`${level}: ${message}\n`);
  const reading = await readOnce(collector, settings, plan ?? {}, log);
  if (reading.state !== 'data') {
    err(`${name}: ${reading.state}: ${reading.reason}\n`);
    return reading.state === 'absent' ? 3 : 1;
  }
  out(values.metrics ? asMetrics(collector, reading.data) : `${JSON.stringify(reading.data, plain, 2)}\n`);
  return 0;
}

type Settings = z.output<ReturnType<typeof blockSchema>>;

function parseSettings(collector: Collector, pairs: readonly string[]): Settings {
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at <= 0) throw new FourlaneError('USAGE', `--set ${pair}: write key=value`);
    const text = pair.slice(at + 1);
    try {
      return [pair.slice(0, at), JSON.parse(text) as unknown];
    } catch {
      return [pair.slice(0, at), text];
    }
  });
  // Read as the block of a config file, so that mistakes are explained as there.
  const wrapped = { collectors: { [collector.name]: Object.fromEntries(entries) as unknown } };
  const schema = z.object({ collectors: z.object({ [collector.name]: blockSchema(collector) }) });
  const parsed = schema.safeParse(wrapped);
  if (parsed.success) return parsed.data.collectors[collector.name]!;
  const problems = explain(parsed.error, wrapped).map((i) => `  ${i.path.slice(2).join('.')}: ${i.message}`);
  throw new FourlaneError('USAGE', `settings of ${collector.name}:\n${problems.join('\n')}`);
}

function asMetrics(collector: Collector, data: unknown): string {
  const output = new CollectorOutput();
  output.take((samples) => collector.publish(data, samples));
  return new Exposition({}).render(output.families(), 'text').toString();
}

/** JSON has no bigint and no Map. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Map ? Object.fromEntries(value) : value;
}
