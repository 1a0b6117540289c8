/** Virtual servers of keepalived.conf with what it includes, as the keepalived that runs here reads it. */
import { dirname, isAbsolute, join } from 'node:path';
import type { Host } from '../../doctor/host.ts';
import { configFileOf } from '../../keepalived/command-line.ts';
import { type Config, readConfig } from '../../keepalived/config/config.ts';
import { type Found, gathering, type Wanted } from '../../keepalived/read/files.ts';
import type { Span } from '../../keepalived/read/source.ts';
import { type Translated, translate, type TranslatedService } from '../../keepalived/translate/services.ts';
import { plural } from '../plural.ts';
import type { FoundCheck, FoundRealServer, FoundService } from '../services.ts';
import type { Look, Machine, Source } from '../source.ts';

/** Where builds look by themselves: packages, the source's own default, and what people choose. */
const DEFAULT_FILES = [
  '/etc/keepalived/keepalived.conf',
  '/usr/local/etc/keepalived/keepalived.conf',
  '/usr/local/keepalived/keepalived.conf',
];

/** Where configuration files may be, the first one that exists; and where the file system of who reads them begins. */
interface Place {
  readonly root: string;
  readonly files: readonly string[];
}

/** Those of each keepalived that runs here, its children aside; else the defaults. */
async function placesOf({ host }: Machine): Promise<readonly Place[]> {
  const places = new Map<string, Place>();
  for (const pid of await host.processes('keepalived')) {
    const line = (await host.read(`/proc/${pid}/cmdline`).catch(() => undefined)) ?? '';
    const file = configFileOf(line.split('\0').slice(0, -1));
    if (line === '' || places.has(line)) continue;
    places.set(line, { root: await rootOf(pid, host), files: file === undefined ? DEFAULT_FILES : [file] });
  }
  return places.size === 0 ? [{ root: '', files: DEFAULT_FILES }] : [...places.values()];
}

/** A process may be in a container, with files of its own. Where we may not look into it, ours are tried. */
async function rootOf(pid: number, host: Host): Promise<string> {
  const root = `/proc/${pid}/root`;
  const isSeen = await host.read(`${root}/etc/hostname`).then(
    () => true,
    () => false,
  );
  return isSeen ? root : '';
}

/** What `host.read` gives is one character for each byte. */
const asText = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');

async function look(machine: Machine): Promise<Look> {
  const places = await placesOf(machine);
  const looks: Look[] = [];
  for (const place of places) looks.push(...(await lookAt(machine, place)));
  if (looks.length === 0) return { outcome: 'absent', text: `there is no ${places.flatMap(({ files }) => files).join(', ')}` };
  return {
    outcome: 'found',
    text: looks.map(({ text }) => text).join('; '),
    facts: {
      services: looks.flatMap(({ facts }) => facts?.services ?? []),
      leftOut: looks.flatMap(({ facts }) => facts?.leftOut ?? []),
    },
  };
}

async function lookAt(machine: Machine, { root, files }: Place): Promise<Look[]> {
  for (const file of files) {
    const bytes = await machine.host.read(join(root, file));
    if (bytes === undefined) continue;
    const config = await readWhole(machine, join(root, file), asText(bytes));
    // An import reads our own file system.
    const isOurs = root === '' || (await machine.host.read(file).catch(() => undefined)) === bytes;
    return [found(config, { file, root, isOurs })];
  }
  return [];
}

function readWhole({ host, paths }: Machine, path: string, text: string): Promise<Config> {
  const root = /^\/proc\/\d+\/root/.exec(path)?.[0] ?? '';
  const fetch = async ({ pattern, from }: Wanted): Promise<Found[]> => {
    const wanted = isAbsolute(pattern) ? join(root, pattern) : join(dirname(from), pattern);
    const all: Found[] = [];
    for (const name of await paths(wanted)) {
      const content = await host.read(name);
      if (content !== undefined) all.push({ path: name, text: asText(content) });
    }
    return all;
  };
  return gathering((files) => readConfig(path, text, { files }), fetch);
}

interface Where {
  readonly file: string;
  readonly root: string;
  readonly isOurs: boolean;
}

function found(config: Config, { file, root, isOurs }: Where): Look {
  /** `path:line`, as keepalived sees the path. */
  const placed = ({ source: { path }, line }: Span) => `${path.startsWith(`${root}/`) ? path.slice(root.length) : path}:${line}`;
  const translated = translate(config);
  const { sources, problems } = config.tree;
  const included = sources.length > 1 ? ` with ${plural(sources.length - 1, 'included file')}` : '';
  const said = problems.length === 0 ? '' : `; ${plural(problems.length, 'mistake')} in it: fourlane lint ${file}`;
  const text = `${file}${included}: ${plural(translated.services.length, 'service')}${said}`;
  const services = translated.services.map((service) => ({
    ...serviceOf(service, translated, placed),
    ...(isOurs ? { importable: file } : {}),
  }));
  const leftOut = translated.left.map(({ at, message }) => ({ text: message, origin: placed(at) }));
  return { outcome: 'found', text, facts: { services, leftOut } };
}

type Placed = (at: Span) => string;

function serviceOf({ at, vip, realServers }: TranslatedService, { checks }: Translated, placed: Placed): FoundService {
  const checkOf = (name: string): FoundCheck => {
    const { value, at: place } = checks.get(name)!;
    const kind = name === 'without_checker' ? 'no checker' : name.replace(/-\d+$/, '');
    return { profile: value, origin: `${kind} at ${placed(place)}` };
  };
  return {
    vip,
    origin: placed(at),
    actuator: 'keepalived sets its weights; to compare: shadow',
    realServers: realServers.map(({ at: place, value }): FoundRealServer => {
      const { address, weight, checks: names } = value;
      return { address, weight, origin: placed(place), checks: names.map(checkOf) };
    }),
  };
}

export const keepalived: Source = { name: 'keepalived', summary: 'virtual servers of keepalived.conf, and their checks', look };
