/** Virtual servers of keepalived.conf with what it includes, as the keepalived that runs here reads it. */
import { dirname, isAbsolute, join } from 'node:path';
import { configFileOf } from '../../keepalived/command-line.ts';
import { type Config, readConfig } from '../../keepalived/config/config.ts';
import { type Found, gathering, type Wanted } from '../../keepalived/read/files.ts';
import type { Statement } from '../../keepalived/read/tree.ts';
import { nameOf, servicesOf, type TranslatedRealServer, type TranslatedService } from '../../keepalived/translate/services.ts';
import { plural } from '../plural.ts';
import type { FoundCheck, FoundRealServer, FoundService, LeftOut } from '../services.ts';
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
    // It may be in a container, with files of its own; where that may not be looked into, ours are tried.
    const isSeen = await host.read(`/proc/${pid}/root/etc/hostname`).then(
      () => true,
      () => false,
    );
    places.set(line, { root: isSeen ? `/proc/${pid}/root` : '', files: file === undefined ? DEFAULT_FILES : [file] });
  }
  return places.size === 0 ? [{ root: '', files: DEFAULT_FILES }] : [...places.values()];
}

/** What `host.read` gives is one character for each byte. */
const asText = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');

async function readWhole({ host, paths }: Machine, root: string, file: string, text: string): Promise<Config> {
  const fetch = async ({ pattern, from }: Wanted): Promise<Found[]> => {
    const wanted = isAbsolute(pattern) ? join(root, pattern) : join(dirname(from), pattern);
    const found: Found[] = [];
    for (const path of await paths(wanted)) {
      const content = await host.read(path);
      if (content !== undefined) found.push({ path, text: asText(content) });
    }
    return found;
  };
  return gathering((files) => readConfig(join(root, file), text, { files }), fetch);
}

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
    if (bytes !== undefined) return [found(await readWhole(machine, root, file, asText(bytes)), file, root)];
  }
  return [];
}

function found(config: Config, file: string, root: string): Look {
  const placed = (at: Statement) => placeOfStatement(at, root);
  const { services, lost } = servicesOf(config);
  const { sources, problems } = config.tree;
  const included = sources.length > 1 ? ` with ${plural(sources.length - 1, 'included file')}` : '';
  const [problem] = problems;
  const said = problem === undefined ? '' : `; ${plural(problems.length, 'mistake')} in it, see \`fourlane lint ${file}\``;
  const text = `${file}${included}: ${plural(services.length, 'service')}${said}`;
  const leftOut = lost.map(({ what, why, at }): LeftOut => ({ what, why, origin: placed(at) }));
  const all = services.map((service) => serviceOf(service, placed, leftOut));
  return { outcome: 'found', text, facts: { services: all, leftOut } };
}

/** `path:line` as keepalived sees the path. */
function placeOfStatement({ line: { source, line } }: Statement, root: string): string {
  const { path } = source;
  return `${root !== '' && path.startsWith(`${root}/`) ? path.slice(root.length) : path}:${line}`;
}

type Placed = (at: Statement) => string;

function serviceOf(
  { vip, virtualServer, realServers, at: named }: TranslatedService,
  placed: Placed,
  leftOut: LeftOut[],
): FoundService {
  const { scheduler, method, quorum, isPersistent } = virtualServer;
  const checks = commonest(realServers);
  for (const rs of realServers) {
    if (keyOf(rs) === keyOf({ checks })) continue;
    const what = `the checks of ${nameOf(rs.at)} in ${vip}`;
    leftOut.push({ what, why: 'a service has the same checks for all its real servers', origin: placed(rs.at) });
  }
  const said = [
    `${scheduler ?? 'wlc'} ${method ?? 'NAT'}`,
    ...(isPersistent ? ['persistent'] : []),
    ...(quorum === 1 ? [] : [`quorum ${quorum} (fourlane: panic)`]),
  ];
  return {
    vip,
    origin: placed(named),
    remarks: said,
    actuator: 'keepalived sets its weights, and would undo ours: see docs/ipvs.md',
    checks: checks.map(({ profile, at }): FoundCheck => ({ profile, origin: `${at.name} at ${placed(at)}` })),
    realServers: realServers.map(({ address, weight, at }): FoundRealServer => ({ address, weight, origin: placed(at) })),
  };
}

/** The checks that most real servers have; of as many, those of the first one. */
function commonest(realServers: readonly TranslatedRealServer[]): TranslatedRealServer['checks'] {
  const groups = [...Map.groupBy(realServers, keyOf).values()];
  const largest = groups.reduce<readonly TranslatedRealServer[]>(
    (best, group) => (group.length > best.length ? group : best),
    [],
  );
  return largest[0]?.checks ?? [];
}

const keyOf = ({ checks }: Pick<TranslatedRealServer, 'checks'>) => JSON.stringify(checks.map(({ profile }) => profile));

export const keepalived: Source = { name: 'keepalived', summary: 'virtual servers of keepalived.conf, and their checks', look };
