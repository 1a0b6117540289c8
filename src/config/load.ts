/** The door of the room: a file's bytes in, a plan or every problem out. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { FourlaneError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import { excessIn } from './excess.ts';
import { explain } from './explain.ts';
import { ImportFiles } from './import-files.ts';
import { type Imported, importKeepalived } from './import-keepalived.ts';
import type { Followed } from './messages.ts';
import { buildPlan } from './plan.ts';
import { ConfigError, type Issue, pathText, type Problem } from './problem.ts';
import { checkProfile, DEFAULT_CHECK } from './profiles.ts';
import { type Config, configSchema, type KeepalivedImport, nicSchema, serviceSchema } from './schema.ts';
import { type ConfigView, inspect, portless, type ServiceView } from './semantics.ts';
import { parseYaml } from './yaml.ts';
import { parsePlainYaml } from './yaml-fast.ts';

export interface LoadOptions {
  /** Name of this machine: the default of `server`. */
  readonly hostname: string;
  /** What runs here beside the file, if that has an etcd. */
  readonly release?: ReleasePart | undefined;
  /** Told what an import was read from, before the plan is there and also when there will be none. */
  readonly read?: ((followed: Followed) => void) | undefined;
}

/** What a release of the cluster adds to a file. */
export interface ReleasePart {
  /** For messages: `release 42`. */
  readonly name: string;
  /** The value of the file with that of the release. Throws CLUSTER_INVALID when both have the same. */
  merge(file: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}

/** Keys of a configuration that may come from a release: a problem of theirs has no place in the file. */
const OF_RELEASE: ReadonlySet<PropertyKey | undefined> = new Set(['services', 'checks', 'rules']);

const MOST_BYTES = 64 << 20;

/**
 * The plan a config file means. Reads quickly without positions first; only a file that has a problem, or uses more of YAML than
 * the fast reader knows, is parsed with positions.
 * @param filename only for messages
 * @throws ConfigError (CONFIG_INVALID) with every problem
 */
export function loadPlan(source: string | Uint8Array, filename: string, { release, ...options }: LoadOptions): Plan {
  const text = decode(source, filename);
  const excess = excessIn(text);
  if (excess !== undefined) throw problemAt(text.slice(0, excess.offset), filename, excess.message);
  const plain = parsePlainYaml(text);
  if (plain !== undefined) {
    const result = validate(withRelease(plain, release));
    if (result.config) return planOf(result.config, { text, filename, ...options });
  }
  const file = parseYaml(text);
  if (file.problems.length > 0) throw new ConfigError(filename, file.problems);
  const value = withRelease(file.value, release);
  const { config, issues } = validate(value);
  if (config) return planOf(config, { text, filename, ...options });
  const foreign = value === file.value ? [] : issues.filter(({ path }) => OF_RELEASE.has(path[0]));
  if (foreign.length > 0) throw releaseError(release!.name, value, foreign);
  throw new ConfigError(
    filename,
    issues.map((issue) => file.locate(issue)),
  );
}

const cluster = z.looseObject({ cluster: z.looseObject({ etcd: z.looseObject({}) }) });

/** Only a server that is in a cluster has a part of its releases. */
function withRelease(value: unknown, release: ReleasePart | undefined): unknown {
  const found = release === undefined ? undefined : cluster.safeParse(value).data;
  return found === undefined ? value : release!.merge(found);
}

const MOST_PROBLEMS = 20;

/** CLUSTER_INVALID with a line for each problem; a service is named by its name, since a release has no order. */
function releaseError(name: string, value: unknown, issues: readonly Issue[]): FourlaneError {
  const { services } = z.looseObject({ services: z.array(z.unknown()).catch([]) }).parse(value);
  const lines = issues.slice(0, MOST_PROBLEMS).map((issue) => {
    const [first, second, ...rest] = issue.path;
    const service = first === 'services' && typeof second === 'number' ? (services[second] as ServiceName) : undefined;
    const path = service === undefined ? issue.path : [first!, JSON.stringify(service.name ?? service.vip), ...rest];
    return `${name}: ${pathText({ ...issue, path })}: ${issue.message}`;
  });
  if (issues.length > MOST_PROBLEMS) lines.push(`${name}: and ${issues.length - MOST_PROBLEMS} more problems`);
  return new FourlaneError('CLUSTER_INVALID', lines.join('\n'));
}

interface ServiceName {
  readonly name?: unknown;
  readonly vip?: unknown;
}

interface Loading extends Omit<LoadOptions, 'release'> {
  readonly text: string;
  readonly filename: string;
}

/** The plan of a valid config, with what it imports. */
function planOf(config: Config, { text, filename, hostname, read }: Loading): Plan {
  const spec = config.import.keepalived;
  if (spec === undefined) return buildPlan(config, hostname);
  const { services, ...imported } = readImport(spec, config, read);
  const merged = { ...config, services: [...config.services, ...services] };
  const view = {
    ...merged,
    nicNames: new Set(config.nics.map(({ name }) => name)),
    checkNames: new Set(Object.keys(config.checks)),
  };
  // Each imported service has the same NICs; the file itself is valid already.
  const messages = new Set(inspect(view).map(({ message }) => message));
  if (messages.size === 0) return buildPlan(merged, hostname, imported);
  const file = parseYaml(text);
  const path = ['import', 'keepalived'];
  throw new ConfigError(
    filename,
    [...messages].map((message) => file.locate({ path, message })),
  );
}

function readImport(spec: KeepalivedImport, config: Config, read: Loading['read']): Imported {
  const files = new ImportFiles();
  try {
    return importKeepalived(spec, config, files);
  } finally {
    read?.(files.followed);
  }
}

/**
 * Reads and loads a config file.
 * @param fifo whether it may be a FIFO (`--config <(…)`), which is waited for and can be read once
 * @throws FourlaneError CONFIG_UNREADABLE; ConfigError as `loadPlan`
 */
export function loadPlanFile(path: string, options: LoadOptions, fifo = true): Plan {
  return loadPlan(readConfig(path, fifo), path, options);
}

/**
 * The bytes of a config file.
 * @param fifo as `loadPlanFile`
 * @throws FourlaneError CONFIG_UNREADABLE
 */
export function readConfig(path: string, fifo: boolean): Buffer {
  try {
    return readWhole(path, fifo);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const known = { ENOENT: 'there is no such file', EACCES: 'permission denied' }[code ?? ''];
    throw new FourlaneError('CONFIG_UNREADABLE', `cannot read the configuration ${path}: ${known ?? message}`, { cause: error });
  }
}

function readWhole(path: string, fifo: boolean): Buffer {
  const fd = openSync(path, constants.O_RDONLY | (fifo ? 0 : constants.O_NONBLOCK));
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new Error('it is a directory; name the file');
    if (stat.isFIFO() && !fifo) throw new Error('it is a FIFO, which only the start can read; a reload needs a file');
    if (!stat.isFile() && !stat.isFIFO()) throw new Error('it is not a regular file');
    if (stat.size > MOST_BYTES) throw new Error(`it has ${stat.size} bytes, more than the ${MOST_BYTES} allowed`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A problem behind the text before it. */
function problemAt(before: string, filename: string, message: string): ConfigError {
  const lines = before.split('\n');
  const problem: Problem = { line: lines.length, column: lines.at(-1)!.length + 1, path: '', message };
  return new ConfigError(filename, [problem]);
}

/** UTF-8 text without byte order mark and control characters. */
function decode(source: string | Uint8Array, filename: string): string {
  const fail = (before: string, message: string): never => {
    throw problemAt(before, filename, message);
  };
  const size = typeof source === 'string' ? source.length : source.byteLength;
  if (size > MOST_BYTES) fail('', `found ${size} bytes; allowed: at most ${MOST_BYTES}`);
  let text = '';
  if (typeof source === 'string') {
    text = source.replace(/^\uFEFF/, '');
  } else {
    const utf16 = (source[0] === 0xff && source[1] === 0xfe) || (source[0] === 0xfe && source[1] === 0xff);
    if (utf16) fail('', 'the file is UTF-16; save it as UTF-8');
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(source);
    } catch {
      const lenient = new TextDecoder('utf-8').decode(source);
      fail(lenient.slice(0, lenient.indexOf('\uFFFD')), 'the file is not valid UTF-8 from here on; save it as UTF-8');
    }
  }
  const control = /[^\P{Cc}\t\n\r\u0085]/u.exec(text);
  if (control) {
    const code = control[0].codePointAt(0)!.toString(16).padStart(2, '0');
    fail(text.slice(0, control.index), `found the control character 0x${code}; remove it`);
  }
  return text;
}

/** Schema, then the checks across the file; when the schema finds something, those for what is valid all the same. */
function validate(value: unknown) {
  const parsed = configSchema.safeParse(value);
  const issues: Issue[] = parsed.success ? [] : explain(parsed.error, value);
  const view = parsed.success ? viewOf(parsed.data, value) : viewOf(salvage(value), value);
  issues.push(...inspect(view));
  return parsed.success && issues.length === 0 ? { config: parsed.data, issues } : { issues };
}

type Partly = Pick<ConfigView, 'nics' | 'onIsolated' | 'services' | 'checks' | 'rules' | 'snat' | 'bgp'>;

function viewOf(config: Partly, value: unknown): ConfigView {
  const { nics, checks } = loose.parse(value);
  const names = nics.map((nic) => (nic as { name?: unknown } | null)?.name).filter((name) => typeof name === 'string');
  return { ...config, nicNames: new Set(names), checkNames: new Set(Object.keys(checks)) };
}

const loose = z
  .object({
    nics: z.array(z.unknown()).catch([]),
    onIsolated: z.unknown().optional(),
    services: z.array(z.unknown()).catch([]),
    checks: z.record(z.string(), z.unknown()).catch({}),
    rules: z.record(z.string(), z.unknown()).catch({}),
    snat: z.unknown().optional(),
    bgp: z.unknown().optional(),
  })
  .catch({ nics: [], onIsolated: undefined, services: [], checks: {}, rules: {}, snat: undefined, bgp: undefined });

/** The valid parts of a file that is not valid as a whole. */
function salvage(value: unknown): Partly {
  const { nics, onIsolated, services, checks, rules, snat, bgp } = loose.parse(value);
  const keepEntries = <T>(schema: z.ZodType<T>, record: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(record).flatMap(([name, v]) => {
        const { success, data } = schema.safeParse(v);
        return success ? [[name, data]] : [];
      }),
    );
  return {
    nics: nics.map((nic) => nicSchema.safeParse(nic).data),
    onIsolated: configSchema.shape.onIsolated.safeParse(onIsolated).data ?? [],
    services: services.map(salvageService),
    checks: keepEntries(checkProfile, checks),
    rules: keepEntries(z.number(), rules),
    snat: configSchema.shape.snat.safeParse(snat).data,
    bgp: configSchema.shape.bgp.safeParse(bgp).data,
  };
}

/** Stands for a check that is invalid: nothing more is reported about what it needs. */
const ANY_CHECK = { ...DEFAULT_CHECK, type: [...portless][0]! };

function salvageService(value: unknown): ServiceView {
  const raw = z.record(z.string(), z.unknown()).catch({}).parse(value);
  const { shape } = serviceSchema;
  const servers = z.array(z.unknown()).catch([]).parse(raw.realServers);
  return {
    name: shape.name.safeParse(raw.name).data,
    vip: shape.vip.safeParse(raw.vip).data,
    nics: shape.nics.safeParse(raw.nics).data,
    check: raw.check === undefined ? undefined : (shape.check.safeParse(raw.check).data ?? ANY_CHECK),
    checks: raw.checks === undefined ? undefined : (shape.checks.safeParse(raw.checks).data ?? [ANY_CHECK]),
    combine: undefined,
    panic: 0,
    passthrough: undefined,
    realServers: servers.map((rs) => shape.realServers.element.safeParse(rs).data),
    actuator: { type: 'none' },
  };
}
